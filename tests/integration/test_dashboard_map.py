"""The page Map over a real registry."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboards.services.models import registry
from dashboards.services.models.loaded_model import Loaded
from dashboards.views.map import places
from imgsim.mlflow.registry import resolve
from imgsim.model import SimilarityModel
from imgsim.references.references import References
from tests.dashboard_components import said, send, shown

OpenPage = Callable[..., AppTest]
ALL = "0.0~10000.0~10000.10000~0.10000"


def loaded(test: AppTest) -> Loaded:
    return test.session_state["open"].loaded


def drawn(test: AppTest) -> dict[str, Any]:
    """What the map's component was given."""
    assert not test.exception
    data = shown(test, "map")
    assert data is not None
    return data


def below(test: AppTest) -> list[dict[str, Any]]:
    """The tiles below the map."""
    data = shown(test, "map-below")
    assert data is not None
    return data["tiles"]


def button(test: AppTest, label: str) -> Any:
    return next(item for item in test.button if item.label == label)


def test_the_map_by_label(open_page: OpenPage):
    test = open_page("map")
    data = drawn(test)
    assert data["count"] == len(loaded(test))
    assert [entry["name"] for entry in data["legend"]["entries"]][:1] == ["cube"]
    assert places.file(loaded(test), "points") is not None, "what the browser fetches is there"
    assert data["addresses"]["points"] == f"maps/{loaded(test).token}/points.bin"
    assert data["query"] is None
    assert "lasso" in test.caption[0].value


def test_other_colours_go_into_the_url_and_drop_the_legends_choice(open_page: OpenPage):
    test = open_page("map", only="cube")
    assert drawn(test)["only"] == 0
    test.selectbox(key="map-color").select("wrong").run()
    assert said(test, "color") == "wrong"
    assert said(test, "only") == ""
    legend = drawn(test)["legend"]
    assert legend["bins"] == 6
    assert (legend["low"], legend["high"]) == (0.0, 1.0)


def test_a_click_asks_and_edges_lead_to_the_answer(open_page: OpenPage):
    test = send(open_page("map", k="5"), "map", "query", 3)
    data = drawn(test)
    assert said(test, "q") == loaded(test).key(3)
    assert data["query"] == 3
    assert data["hits"] == [tile["row"] for tile in below(test)]
    assert len(data["hits"]) == 5
    assert [tile["rank"] for tile in below(test)] == [1, 2, 3, 4, 5]


def test_a_click_on_the_answer_goes_on(open_page: OpenPage):
    test = open_page("map", q="r3")
    next_row = below(test)[2]["row"]
    test = send(test, "map-below", "action", {"kind": "query", "row": next_row})
    assert drawn(test)["query"] == next_row


def test_a_line_around_images_gathers_those_that_pass(open_page: OpenPage):
    test = send(open_page("map", q="r3", label="torus"), "map", "area", ALL)
    assert said(test, "area") == ALL
    assert said(test, "q") == ""
    assert {tile["label"] for tile in below(test)} == {"torus"}
    assert drawn(test)["passed"] is not None


def test_the_legend_isolates_also_what_the_area_holds(open_page: OpenPage):
    test = open_page("map", area=ALL)
    everything = len(loaded(test))
    assert f"of {everything}" in " ".join(item.value for item in test.markdown) or len(below(test)) == everything
    test = send(test, "map", "only", 0)
    assert said(test, "only") == "cube"
    assert {tile["label"] for tile in below(test)} == {"cube"}
    test = send(test, "map", "only", -1)
    assert said(test, "only") == ""


def test_an_area_goes_into_the_basket(open_page: OpenPage):
    test = open_page("map", area=ALL, only="torus")
    count = len(below(test))
    button(test, "Add all").click().run()
    assert test.toast[0].value == f"{count} added to the basket: {count} now."
    assert all(tile["basket"] for tile in below(test))


def test_escape_takes_area_and_query_away(open_page: OpenPage):
    test = send(open_page("map", area=ALL, q="r1"), "map", "clear", True)
    assert said(test, "area") == said(test, "q") == ""
    assert drawn(test)["area"] is None


def test_back_from_the_query_to_the_area(open_page: OpenPage):
    test = open_page("map", area=ALL, q="r1")
    button(test, "Back to the list").click().run()
    assert said(test, "area") == ALL
    assert drawn(test)["query"] is None
    assert below(test)


def test_to_the_other_pages(open_page: OpenPage):
    test = open_page("map", q="r1")
    button(test, "Search").click().run()
    assert not test.exception
    assert said(test, "q") == loaded(test).key(1)
    test = open_page("map", q="r1")
    button(test, "Neighbours").click().run()
    assert not test.exception
    assert said(test, "at") == loaded(test).key(1)


def test_an_empty_area_and_no_neighbours_are_explained(open_page: OpenPage):
    test = open_page("map", area="1.1~2.1~2.2")
    assert "No lit image" in test.info[0].value
    test = open_page("map", q="r3", cut="0.000001", path="no such path")
    assert "No neighbour passes" in test.info[0].value


def test_what_the_browser_must_not_send_is_ignored(open_page: OpenPage):
    test = open_page("map")
    for event in ("query", "area", "only"):
        for value in (None, "x", -7, 1.5, [1], {"row": 1}, 10**9):
            test = send(test, "map", event, value)
            assert not test.exception
            assert said(test, "q") == said(test, "area") == said(test, "only") == "", (event, value)


def test_nonsense_in_the_link_counts_as_not_said(open_page: OpenPage):
    test = open_page("map", color="mood", only="nothing", area="a~b", view="<b>", q="no-such-image")
    data = drawn(test)
    assert (data["only"], data["area"], data["view"], data["query"]) == (-1, None, "", None)
    assert "is not in version" in test.warning[0].value


@pytest.fixture
def _without_insights(dashboard_registry: Path) -> Iterator[None]:
    """The champion as if it had been registered without insights."""
    version = resolve("imgsim-tiny")
    whole = registry.load(version).model.references
    model = SimilarityModel(References(whole.images, whole._embeddings, whole.graph, whole.ids, whole.backbone))
    registry.MODELS.clear()
    registry.MODELS.get(version.token, lambda: Loaded(version.name, version.version, version.token, model))
    yield
    registry.MODELS.clear()


@pytest.mark.usefixtures("_without_insights")
def test_a_version_without_a_map_says_how_to_make_one(open_page: OpenPage):
    test = open_page("map", q="r1", area=ALL)
    assert not test.exception
    assert "without a map" in test.info[0].value
    assert "imgsim run" in test.info[0].value
    assert shown(test, "map") is None
