"""The page Browse over a real registry."""

from datetime import date
from typing import Any

from streamlit.testing.v1 import AppTest

from tests import dashboard_components as components
from tests.dashboard_components import said


def tiles(test: AppTest) -> list[dict[str, Any]]:
    assert not test.exception
    data = components.shown(test, "browse")
    assert data is not None
    return data["tiles"]


def shown(test: AppTest) -> list[str]:
    return [tile["title"] for tile in tiles(test)]


def test_the_collection_by_path(open_page):
    test = open_page("browse")
    assert not test.exception
    assert shown(test) == sorted(shown(test))
    assert any("<img src=x" in title for title in shown(test)), "a name that is markup is data"


def test_the_link_says_order_page_and_filters(open_page):
    test = open_page("browse", sort="outlier", page="2", size="large", label=["cube", "torus"])
    assert {tile["label"] for tile in tiles(test)} <= {"cube", "torus"}
    assert all("outlier score" in tile["note"] for tile in tiles(test))
    assert test.selectbox(key="browse-sort").value == "outlier"


def test_another_order_starts_at_its_first_page(open_page):
    test = open_page("browse", page="2", size="large")
    test.selectbox(key="browse-sort").select("hub").run()
    assert said(test, "sort") == "hub"
    assert "page" not in test.query_params
    assert "answer" in tiles(test)[0]["note"]


def test_by_date(open_page):
    test = open_page("browse", page="2", size="small")
    day = date(2020, 2, 29)  # of the folder cube
    test.date_input(key="choice-date-").set_value((day, day)).run()
    assert said(test, "date") == "2020-02-29..2020-02-29"
    assert "page" not in test.query_params
    assert {title.split("/")[0] for title in shown(test)} == {"cube"}
    again = open_page("browse", size="small", date=said(test, "date"))
    assert shown(again) == shown(test)
    assert again.date_input(key=f"choice-date-{said(test, 'date')}").value == (day, day)
    again.button(key=f"chip-0-date-{said(test, 'date')}").click().run()
    assert "date" not in again.query_params
    assert len(shown(again)) > len(shown(test))


def test_pages_turn_and_stay_in_the_url(open_page):
    test = open_page("browse", size="large")
    first = shown(test)
    test.button(key="page-top-next").click().run()
    assert said(test, "page") == "2"
    assert not set(first) & set(shown(test))
    test.button(key="page-top-previous").click().run()
    assert "page" not in test.query_params
    assert shown(test) == first


def test_a_shuffled_deck_is_in_the_link(open_page):
    test = open_page("browse", sort="random")
    before = shown(test)
    next(button for button in test.button if button.label == "Shuffle").click().run()
    assert shown(test) != before
    again = open_page("browse", sort="random", seed=said(test, "seed"))
    assert shown(again) == shown(test)


def test_reversed(open_page):
    test = open_page("browse", size="small")
    before = shown(test)
    test.toggle(key="browse-reverse").set_value(True).run()
    assert said(test, "reverse") == "1"
    assert shown(test) == before[::-1]


def test_duplicates_collapse(open_page):
    assert len(shown(open_page("browse", size="small", collapse="1"))) < len(shown(open_page("browse", size="small")))


def test_nothing_passes_the_filters(open_page):
    test = open_page("browse", path="no such path")
    assert "No image passes" in test.info[0].value
    next(button for button in test.button if button.label == "Clear the filters").click().run()
    assert "path" not in test.query_params
    assert shown(test)


def test_a_click_asks_with_the_picture_and_b_puts_it_into_the_basket(open_page):
    test = open_page("browse")
    row = tiles(test)[1]["row"]
    components.send(test, "browse", "basket", {"into": [row], "out": []})
    assert tiles(test)[1]["basket"]
    components.send(test, "browse", "action", {"kind": "query", "row": row})
    assert not test.exception
    assert said(test, "q") == test.session_state["open"].loaded.key(row)


def test_nonsense_in_the_link_counts_as_not_said(open_page):
    test = open_page("browse", sort="nonsense", page="minus one", seed="x", size="huge", reverse="maybe")
    assert not test.exception
    assert shown(test) == shown(open_page("browse"))
