"""The page Basket over a real registry with two versions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboards.services.models import registry
from imgsim.errors import RegistryError
from imgsim.mlflow.version import Version
from tests.dashboard_components import said, send, shown

OpenPage = Callable[..., AppTest]
HERE, OTHER = "basket-imgsim-tiny-2", "basket-imgsim-tiny-1"


def rows(test: AppTest, key: str) -> list[int]:
    """Rows in a gallery of the page."""
    assert not test.exception
    data = shown(test, key)
    return [] if data is None else [tile["row"] for tile in data["tiles"]]


def button(test: AppTest, label: str) -> Any:
    return next(item for item in test.button if item.label == label)


@pytest.fixture
def filled(open_page: OpenPage) -> AppTest:
    """Two images of version 2 and one of version 1, put aside on other pages."""
    test = open_page("browse", version="1")
    test = send(test, "browse", "basket", {"into": [4], "out": []})
    test.query_params["version"] = "2"
    test = test.switch_page("views/browse/page.py").run()
    for row in (7, 2):
        test = send(test, "browse", "basket", {"into": [row], "out": []})
    return test.switch_page("views/basket/page.py").run()


def test_an_empty_basket_says_how_to_fill_it(open_page: OpenPage):
    test = open_page("basket")
    assert not test.exception
    assert "The basket is empty" in test.info[0].value
    button(test, "Browse").click().run()
    assert not test.exception
    assert shown(test, "browse") is not None


def test_images_of_two_versions_the_open_one_first(filled: AppTest):
    assert rows(filled, HERE) == [7, 2], "in the order in which they came"
    assert rows(filled, OTHER) == [4]
    assert "**3** images of 2 versions" in [item.value for item in filled.markdown]
    assert [item.value for item in filled.header] == ["imgsim\\-tiny, version 2", "imgsim\\-tiny, version 1"]
    assert len(filled.get("download_button")) == 3


def test_taken_out_again(filled: AppTest):
    test = send(filled, HERE, "basket", {"into": [], "out": [7]})
    assert rows(test, HERE) == [2]
    test = send(test, OTHER, "basket", {"into": [], "out": [4]})
    assert rows(test, OTHER) == []
    button(test, "Clear").click().run()
    assert "The basket is empty" in test.info[0].value


def test_a_picture_of_another_version_is_asked_with_there(filled: AppTest):
    test = send(filled, OTHER, "action", {"kind": "query", "row": 4})
    assert not test.exception
    assert said(test, "version") == "1"
    assert said(test, "q") == test.session_state["open"].loaded.key(4)
    assert test.session_state["open"].loaded.version == "1"


def test_as_a_query_with_weights(filled: AppTest):
    assert len(filled.number_input) == 2
    filled.number_input[1].set_value(-0.5)
    button(filled, "Search").click().run()
    assert not filled.exception
    loaded = filled.session_state["open"].loaded
    assert said(filled, "q") == f"{loaded.key(7)} -0.5*{loaded.key(2)}"


def test_a_query_of_weights_0_is_refused(filled: AppTest):
    for item in filled.number_input:
        item.set_value(0.0)
    button(filled, "Search").click().run()
    assert "nothing to search with" in filled.warning[0].value
    assert said(filled, "q") == ""


def test_a_version_that_cannot_be_opened_keeps_its_place(filled: AppTest, monkeypatch: pytest.MonkeyPatch):
    whole = registry.load

    def load(version: Version) -> Any:
        if version.version == "1":
            raise RegistryError("It is gone.", "broken")
        return whole(version)

    registry.MODELS.clear()
    with monkeypatch.context() as broken:
        broken.setattr(registry, "load", load)
        filled.run()
    assert "1 image of version 1" in filled.warning[0].value
    assert "It is gone" in filled.warning[0].value
    assert rows(filled, HERE) == [7, 2]
    filled.run()
    assert rows(filled, OTHER) == [4]
