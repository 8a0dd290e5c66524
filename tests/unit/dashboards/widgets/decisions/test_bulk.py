"""Requests about selected pictures."""

import pytest
from streamlit.testing.v1 import AppTest

from dashboards.services import decided
from dashboards.services.models.loaded_model import Loaded
from dashboards.widgets.decisions import bulk
from dashboards.widgets.decisions.bulk import Request, parse

SENT = {"number": 5, "kind": "label", "rows": [3, 1, 3], "text": " tree ", "query": None}


def test_what_the_bar_sends():
    assert parse(SENT, 4) == Request(5, "label", (3, 1), "tree")
    assert parse({**SENT, "kind": "alike", "query": 2}, 4) == Request(5, "alike", (3, 1), "tree", 2)


@pytest.mark.parametrize(
    "change",
    [
        {"number": "5"},
        {"number": True},
        {"kind": "forget"},
        {"kind": ["label"]},
        {"rows": []},
        {"rows": [4, -1, 1.0]},
        {"rows": None},
        {"text": None},
        {"text": 3},
    ],
)
def test_anything_else_is_nothing(change: dict[str, object]):
    assert parse({**SENT, **change}, 4) is None
    assert parse(list(SENT), 4) is None
    assert parse(None, 4) is None


@pytest.mark.parametrize("query", [4, -1, "1", True, 1.0])
def test_a_query_that_is_no_row_is_none(query: object):
    assert parse({**SENT, "query": query}, 4) == Request(5, "label", (3, 1), "tree")


def carry_out(loaded: Loaded, *requests: Request) -> AppTest:
    """Carry requests out in a script; ``done`` of its state says which of them were not refused."""

    def script() -> None:
        import streamlit as st

        from dashboards.widgets import basket_state
        from dashboards.widgets.decisions.bulk import carry_out

        loaded, requests = st.session_state["loaded"], st.session_state["requests"]
        st.session_state["done"] = [carry_out(loaded, request) for request in requests]
        st.session_state["in_basket"] = basket_state.rows(loaded)

    test = AppTest.from_function(script)
    test.session_state["loaded"], test.session_state["requests"] = loaded, requests
    test.run()
    assert not test.exception
    return test


@pytest.fixture
def rows(loaded: Loaded) -> list[int]:
    """Rows whose bytes no other image has."""
    keys = loaded.model.images.sha256
    return [row for row in range(len(loaded)) if keys.count(keys[row]) == 1]


def test_label_and_tag_and_basket(loaded: Loaded, rows: list[int]):
    two = tuple(rows[:2])
    test = carry_out(
        loaded, Request(1, "label", two, "tree"), Request(2, "tag", two[:1], "é"), Request(3, "basket", two)
    )
    assert test.session_state["done"] == [True] * 3
    found = decided.decided(loaded)
    assert [row for row, label in enumerate(found.labels) if label is not None] == sorted(two)
    assert set(found.labels[list(two)]) == {"tree"}
    assert found.tags == {two[0]: ("é",)}
    assert test.session_state["in_basket"] == two
    assert decided.store().history()["pictures"].tolist() == [1, 2], "one action each"


def test_alike_to_the_query(loaded: Loaded, rows: list[int]):
    query, one, other = rows[:3]
    carry_out(loaded, Request(1, "alike", (one, query, other), query=query))
    assert decided.decided(loaded).alike == {(query, one): True, (query, other): True}
    carry_out(loaded, Request(2, "not_alike", (one,), query=query))
    assert decided.decided(loaded).alike == {(query, one): False, (query, other): True}


def test_without_a_query_all_pairs(loaded: Loaded, rows: list[int]):
    one, two, three = rows[:3]
    carry_out(loaded, Request(1, "not_alike", (three, one, two)))
    assert decided.decided(loaded).alike == {(one, two): False, (one, three): False, (two, three): False}


def test_copies_of_the_query_are_no_pair(loaded: Loaded, twins: tuple[int, int]):
    test = carry_out(loaded, Request(1, "alike", twins[1:], query=twins[0]))
    assert test.session_state["done"] == [False]
    assert "Nothing was recorded" in test.toast[0].value
    assert decided.store().last_action == 0


def test_more_pairs_than_are_marked_at_once(loaded: Loaded, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bulk, "MOST_PAIRED", 3)
    test = carry_out(loaded, Request(1, "alike", (0, 1, 2, 3)))
    assert test.session_state["done"] == [False]
    assert test.toast[0].value == "All pairs of at most 3 pictures are marked at once."


def test_what_the_store_refuses_is_said(loaded: Loaded):
    test = carry_out(loaded, Request(1, "label", (0,), ""), Request(2, "tag", (0,), "a;b"))
    assert test.session_state["done"] == [False, False]
    assert [toast.value.split(":")[0] for toast in test.toast] == ["Nothing was recorded"] * 2
