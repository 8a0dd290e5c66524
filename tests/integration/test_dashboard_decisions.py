"""Decisions on the pages over a real registry: the bar for selected pictures, undo, history, and who decides."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from imgsim.decisions import Decisions, open_decisions
from tests.dashboard_components import said, send, shown

OpenPage = Callable[..., AppTest]
REQUEST: dict[str, Any] = {"number": 1, "kind": "label", "rows": [0, 1, 2], "text": "tree", "query": None}


@pytest.fixture
def store(dashboard_registry: Path) -> Decisions:
    """The store that the page uses."""
    return open_decisions()


def tiles(test: AppTest, key: str = "browse") -> dict[int, dict[str, Any]]:
    assert not test.exception
    data = shown(test, key)
    assert data is not None
    return {tile["row"]: tile for tile in data["tiles"]}


def test_selected_pictures_are_labelled_once_and_the_tiles_say_so(open_page: OpenPage, store: Decisions):
    test = send(open_page("browse"), "bulk-bar", "act", REQUEST)
    found = tiles(test)
    assert {row for row in found if found[row]["decided"] == "tree"} >= {0, 1, 2}
    assert all(found[row]["label"] != "tree" for row in found), "the model's label is told beside it"
    bar = shown(test, "bulk-bar")
    assert (bar["handled"], bar["done"], bar["file"], "tree" in bar["labels"]) == (1, True, None, True)
    test = send(test, "bulk-bar", "act", REQUEST)
    assert store.last_action == 1, "the browser repeats a request until it was carried out"
    test = send(test, "bulk-bar", "act", {**REQUEST, "number": 2, "kind": "tag", "text": "a;b"})
    assert (shown(test, "bulk-bar")["handled"], shown(test, "bulk-bar")["done"]) == (2, False)
    test = send(test, "undo", "step", "undo")
    assert all(tile["decided"] is None for tile in tiles(test).values())


def test_marks_against_the_query_of_an_answer(open_page: OpenPage, store: Decisions):
    test = open_page("search", q="r3")
    data = shown(test, "answer")
    assert data["query"] == 3
    row = next(iter(tiles(test, "answer")))
    test = send(test, "bulk-bar", "act", {**REQUEST, "kind": "alike", "rows": [row], "query": 3})
    assert tiles(test, "answer")[row]["alike"] is True
    assert len(store.pairs()) == 1
    assert shown(open_page("search", q="r3 r4"), "answer")["query"] is None, "two pictures are no pair"


def test_the_whole_filtered_list_once_it_is_asked_for(open_page: OpenPage):
    test = open_page("browse", size="large")
    data = shown(test, "browse")
    assert (data["longer"], data["all"]) == (True, None)
    content = test.session_state["open"].version.token
    assert data["place"] == f"imgsim-tiny 2 {content}", "rows of a version made anew under this name are others"
    test = send(test, "browse", "all", True)
    assert sorted(shown(test, "browse")["all"]) == list(range(44))
    assert shown(test.run(), "browse")["all"] is None
    test = open_page("browse", size="large", label=["cube"])
    rows = sorted(shown(send(test, "browse", "all", True), "browse")["all"])
    loaded = test.session_state["open"].loaded
    assert rows == [row for row, label in enumerate(loaded.model.images.labels) if label == "cube"]


def test_pictures_of_another_version_are_not_selected(open_page: OpenPage):
    test = send(open_page("browse", version="1"), "browse", "basket", {"into": [4], "out": []})
    test.query_params["version"] = "2"
    test = test.switch_page("views/basket/page.py").run()
    assert shown(test, "basket-imgsim-tiny-1")["place"] == ""


def test_search_and_export(open_page: OpenPage):
    test = open_page("browse")
    test = send(test, "bulk-bar", "act", {**REQUEST, "kind": "export"})
    file = shown(test, "bulk-bar")["file"]
    assert (file["name"], len(file["text"].splitlines())) == ("3-images.csv", 4)
    assert file["text"].startswith('"model","version","row","id","path","label","sha256"')
    assert shown(test.run(), "bulk-bar")["file"] is None
    loaded = test.session_state["open"].loaded
    test = send(test, "bulk-bar", "act", {**REQUEST, "number": 2, "kind": "search"})
    assert not test.exception
    assert said(test, "q") == " ".join(loaded.key(row) for row in (0, 1, 2))
    assert shown(test, "answer") is not None


def test_an_emptied_basket_comes_back(open_page: OpenPage):
    test = send(open_page("browse"), "browse", "basket", {"into": [7, 2], "out": []})
    test = test.switch_page("views/basket/page.py").run()
    next(button for button in test.button if button.label == "Clear").click().run()
    assert shown(test, "basket-imgsim-tiny-2") is None
    assert shown(test, "undo")["words"] == "2 images taken out of the basket"
    test = send(test, "undo", "step", "undo")
    assert list(tiles(test, "basket-imgsim-tiny-2")) == [7, 2]
    test = send(test, "undo", "step", "redo")
    assert shown(test, "basket-imgsim-tiny-2") is None


def test_history_tells_who_did_what_and_undoes_any_of_it(open_page: OpenPage, store: Decisions):
    test = open_page("history")
    assert "Nothing was decided yet" in test.info[0].value
    test.text_input(key="history-name").set_value("Eva").run()
    test = send(test, "bulk-bar", "act", REQUEST)
    store.add_tag("0" * 64, "*", by="<b>max</b>")
    test.run()
    assert not test.exception
    said = [item.value.split("  \n")[0] for item in test.markdown if ":small[" in item.value]
    assert said == ["**\\<b\\>max\\<\\/b\\>** tagged 1 picture \\*", "**Eva** labelled 3 pictures tree"]
    test.button(key="reverse-1").click().run()
    assert (store.labels(), store.history(1)["by"].tolist()) == ({}, ["Eva"])
    assert test.button(key="reverse-1").label == "Redo"
    test.button(key="reverse-1").click().run()
    assert len(store.labels()) == 3
    test.button(key="reverse-2").click().run()
    assert store.tags() == {}


def test_a_store_that_cannot_be_read_is_said_and_pages_work(open_page: OpenPage, tmp_path: Path):
    (tmp_path / "decisions.db").write_bytes(b"no database" * 100)
    test = open_page("browse")
    assert len(tiles(test)) > 10
    assert "cannot be used" in test.warning[0].value
    test = send(test, "bulk-bar", "act", REQUEST)
    assert "Nothing was recorded" in test.toast[0].value
    test = test.switch_page("views/history/page.py").run()
    assert "cannot be used" in test.error[0].value
