"""The page Neighbours over a real registry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streamlit.testing.v1 import AppTest

from dashboards.services import graph_walk
from dashboards.services.models.loaded_model import Loaded
from tests.dashboard_components import said, send, shown

OpenPage = Callable[..., AppTest]


def loaded(test: AppTest) -> Loaded:
    return test.session_state["open"].loaded


def drawn(test: AppTest) -> dict[str, Any]:
    """What the walk's component was given."""
    assert not test.exception
    data = shown(test, "walk")
    assert data is not None
    return data


def button(test: AppTest, label: str) -> Any:
    return next(item for item in test.button if item.label == label)


def test_without_a_wish_it_starts_at_the_image_most_others_list(open_page: OpenPage):
    test = open_page("neighbours")
    assert drawn(test)["center"] == int(loaded(test).in_degree.argmax())
    assert button(test, "Back").disabled


def test_the_link_says_where_it_is(open_page: OpenPage):
    test = open_page("neighbours", at="r5", near="6", far="2")
    nodes = drawn(test)["nodes"]
    assert drawn(test)["center"] == 5
    neighbors = [node["row"] for node in nodes if node["ring"] == 1]
    assert neighbors == loaded(test).model.graph.neighbors[5][:6].tolist()
    assert sum(node["ring"] == 2 for node in nodes) <= 12
    assert test.slider(key="walk-near").value == 6


def test_three_steps_and_back(open_page: OpenPage):
    test = open_page("neighbours", at="r5")
    way = [5]
    for _ in range(3):
        way.append(next(node["row"] for node in drawn(test)["nodes"] if node["ring"] == 1 and node["row"] not in way))
        test = send(test, "walk", "action", {"kind": "walk", "row": way[-1]})
        assert drawn(test)["center"] == way[-1]
    assert said(test, "trail").split() == [graph_walk.address(loaded(test), row) for row in way[:-1]]
    test = send(test, "walk", "back", True)
    assert drawn(test)["center"] == way[2]
    button(test, "Back").click().run()
    assert drawn(test)["center"] == way[1]
    test.button(key="step-5").click().run()
    assert drawn(test)["center"] == 5
    assert said(test, "trail") == ""


def test_a_random_start_passes_the_filters(open_page: OpenPage):
    test = open_page("neighbours", label="torus", trail="r1 r2")
    button(test, "Random start").click().run()
    assert loaded(test).model.images.labels[drawn(test)["center"]] == "torus"
    assert said(test, "trail") == ""


def test_what_filters_leave_out_is_faint(open_page: OpenPage):
    test = open_page("neighbours", label="torus", at="r5")
    data, labels = drawn(test), loaded(test).model.images.labels
    assert [node["dim"] for node in data["nodes"][1:]] == [labels[node["row"]] != "torus" for node in data["nodes"][1:]]
    assert not data["nodes"][0]["dim"], "the centre is never faint"


def test_how_much_is_drawn_goes_into_the_url(open_page: OpenPage):
    test = open_page("neighbours", at="r5")
    few = len(drawn(test)["edges"])
    test.toggle(key="walk-links").set_value(True).run()
    assert said(test, "links") == "1"
    assert len(drawn(test)["edges"]) > few
    test.slider(key="walk-far").set_value(2).run()
    assert said(test, "far") == "2"
    test.slider(key="walk-far").set_value(graph_walk.FAR).run()
    assert said(test, "far") == ""


def test_the_basket_and_the_query(open_page: OpenPage):
    test = send(open_page("neighbours", at="r5"), "walk", "action", {"kind": "basket", "row": 5})
    assert drawn(test)["nodes"][0]["basket"]
    assert test.toast[0].value == "Added to the basket: 1 now."
    test = send(test, "walk", "action", {"kind": "query", "row": 5})
    assert not test.exception
    assert said(test, "q") == loaded(test).key(5)


def test_an_image_that_is_not_there(open_page: OpenPage):
    test = open_page("neighbours", at="<b>nobody</b>", near="many", far="-1")
    assert "nobody" in test.warning[0].value
    assert "<b>" not in test.warning[0].value, "a name is never markup"
    assert drawn(test)["nodes"]


def test_nothing_within_the_cut_is_explained(open_page: OpenPage):
    test = open_page("neighbours", at="r5", cut="0.000001")
    if len(drawn(test)["nodes"]) == 1:
        assert "No neighbour is that close" in test.info[0].value
    test = open_page("neighbours", at="r5", cut="2")
    assert len(drawn(test)["nodes"]) > 1


def test_what_the_browser_must_not_send_is_ignored(open_page: OpenPage):
    test = open_page("neighbours", at="r5")
    for value in (None, "x", {"kind": "walk"}, {"kind": "walk", "row": 10**6}, {"kind": "no", "row": 1}):
        test = send(test, "walk", "action", value)
        assert drawn(test)["center"] == 5, value
