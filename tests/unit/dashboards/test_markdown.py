import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.markdown import plain

MARKUP = set("\\`*_{}[]()#+-.!|<>~$:&^=/")


@pytest.mark.parametrize(
    "text", ["**bold**", "[link](http://x)", ":red[x]", "`code`", "# head", "$x$", "<img src=x onerror=y>"]
)
def test_no_markup_of_a_stranger_acts(text: str):
    shown = plain(text)
    assert re.sub(r"\\(.)", r"\1", shown) == text
    assert not MARKUP & set(re.sub(r"\\.", "", shown))


@given(st.text())
def test_every_mark_is_escaped_and_no_line_is_broken(text: str):
    shown = plain(text)
    assert not MARKUP & set(re.sub(r"\\.", "", shown))
    assert "\n" not in shown
