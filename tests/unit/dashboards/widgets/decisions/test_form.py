"""Label and tags of one picture, in a script as Streamlit runs it."""

from streamlit.testing.v1 import AppTest

from dashboards.services import decided
from dashboards.services.models.loaded_model import Loaded

TAGGED = {3: ("a", "b", "c")}


def script() -> None:
    import streamlit as st

    from dashboards.widgets.decisions.form import label_and_tags

    label_and_tags(st.session_state["loaded"], 2)


def test_a_label_and_tags_are_decided_and_taken_back(loaded: Loaded):
    decided.store().add_tag("0" * 64, "elsewhere")
    for tag in ("a", "b", "c"):
        decided.store().add_tag(loaded.model.images.sha256[3], tag)
    test = AppTest.from_function(script)
    test.session_state["loaded"] = loaded
    test.run()
    mine = loaded.model.images.labels[2]
    assert (test.selectbox[0].value, test.multiselect[0].value) == (mine, [])
    assert test.multiselect[0].options == ["a", "b", "c"], "the tags of this collection"
    other = next(label for label in loaded.labels if label != mine)
    test.selectbox[0].set_value(other).run()
    assert (decided.decided(loaded).labels[2], test.selectbox[0].value) == (other, other)
    test.multiselect[0].set_value(["a", "b"]).run()
    assert decided.decided(loaded).tags == TAGGED | {2: ("a", "b")}
    test.multiselect[0].set_value(["b", "c"]).run()
    assert decided.decided(loaded).tags == TAGGED | {2: ("b", "c")}
    assert test.multiselect[0].value == ["b", "c"]
    test.multiselect[0].set_value([]).run()
    test.selectbox[0].set_value(None).run()
    assert not test.exception
    found = decided.decided(loaded)
    assert (found.labels[2], found.tags, test.selectbox[0].value) == (None, TAGGED, mine)
    history = decided.store().history()
    assert history["kind"].tolist()[:5] == ["unmark label", "untag", "tag", "tag", "label"], "one action each"
