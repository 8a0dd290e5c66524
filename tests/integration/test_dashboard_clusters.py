"""The page Clusters over a real registry, and the filters that follow from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboards.services import decided
from dashboards.services.clusters.groups import Group, group_of, groups
from dashboards.services.models.loaded_model import Loaded
from tests.dashboard_components import choice, said, shown

OpenPage = Callable[..., AppTest]


def loaded(test: AppTest) -> Loaded:
    assert not test.exception
    return test.session_state["open"].loaded


def press(test: AppTest, label: str, place: int = 0) -> AppTest:
    test = [item for item in test.button if item.label == label][place].click().run()
    assert not test.exception
    return test


def first(test: AppTest) -> Group:
    return groups(loaded(test))[0]


def name_first(test: AppTest, name: str) -> AppTest:
    """Open the first cluster and name it."""
    test = press(test, "Open")
    key = said(test, "open")
    test.text_input(key=f"cluster-name-{key}").set_value(name)
    return press(test, "Save the name")


def test_a_card_for_each_cluster(open_page: OpenPage):
    test = open_page("clusters")
    found = groups(loaded(test))
    assert [item.label for item in test.button].count("Open") == min(len(found), 12)
    tiles = shown(test, f"card-{found[0].key}")["tiles"]
    assert len(tiles) == 6
    assert {tile["row"] for tile in tiles} <= set(found[0].rows.tolist())
    assert any(f"{found[0].purity:.0%} pure" in item.value for item in test.caption)


def test_naming_opening_and_undoing(open_page: OpenPage):
    test = open_page("clusters")
    before = first(test)
    test = name_first(test, "<b>owls")
    assert said(test, "open") == "name:<b>owls"
    assert test.header[0].value == "\\<b\\>owls"
    assert [tile["row"] for tile in shown(test, "cluster")["tiles"]] == before.rows.tolist()
    decided.store().undo()
    test = open_page("clusters", open="name:<b>owls")
    assert "no cluster \\<b\\>owls now" in test.warning[0].value


def test_merging_two(open_page: OpenPage):
    test = open_page("clusters")
    one, other = groups(loaded(test))[:2]
    test = name_first(test, "mine")
    test.selectbox(key="cluster-merge-name:mine").set_value(other.key)
    test = press(test, "Merge")
    assert said(test, "open") == "name:mine"
    assert len(group_of(loaded(test), "name:mine")) == len(one) + len(other)
    assert decided.store().history()["kind"].tolist() == ["cluster", "cluster"]


def test_splitting_shows_the_parts_before_anything_is_recorded(open_page: OpenPage):
    test = press(open_page("clusters"), "Open")
    key = said(test, "open")
    whole = group_of(loaded(test), key)
    test = press(test, "Show the parts")
    assert decided.store().last_action == 0
    fields = [item for item in test.text_input if item.key.startswith("part-")]
    assert len(fields) == 2
    for field, name in zip(fields, ("one", "two"), strict=True):
        field.set_value(name)
    test = press(test, "Save these 2 clusters")
    assert "open" not in test.query_params
    sizes = [len(group_of(loaded(test), f"name:{name}")) for name in ("one", "two")]
    assert sum(sizes) == len(whole)
    assert decided.store().last_action == 1


def test_labelling_all(open_page: OpenPage):
    test = press(open_page("clusters"), "Open")
    key = said(test, "open")
    group = group_of(loaded(test), key)
    test.selectbox(key=f"cluster-label-{key}").set_value("torus")
    test = press(test, f"Label {len(group):,}")
    assert group_of(loaded(test), key).labels == (("torus", len(group)),)
    assert set(decided.store().labels().values()) == {"torus"}


def test_into_the_basket_and_onto_the_map(open_page: OpenPage):
    test = press(open_page("clusters"), "Open")
    group = group_of(loaded(test), said(test, "open"))
    test = press(test, "Add all")
    assert test.toast[0].value == f"{len(group)} added to the basket: {len(group)} now."
    test = press(test, "On the map")
    assert (said(test, "color"), said(test, "only")) == ("cluster", group.key)
    assert any(f"**{len(group)}** images of" in item.value for item in test.markdown)


def test_a_name_that_cannot_be_is_said(open_page: OpenPage):
    test = name_first(open_page("clusters"), "a;b")
    assert "Nothing was recorded" in test.toast[0].value
    assert said(test, "open").startswith("found:")


def test_a_named_cluster_is_a_filter_with_a_chip(open_page: OpenPage):
    test = name_first(open_page("clusters"), "mine")
    count = len(group_of(loaded(test), "name:mine"))
    test = open_page("browse", page="2")
    choice(test.multiselect, "cluster").set_value(["mine"]).run()
    assert said(test, "cluster") == "mine"
    assert said(test, "page") == ""
    assert len(shown(test, "browse")["tiles"]) == count
    test = press(test, "cluster mine")
    assert "cluster" not in test.query_params


def test_chips_take_filters_away_one_by_one_or_all(open_page: OpenPage):
    test = open_page("browse", label=["cube", "torus"], path="jpg", page="2")
    labels = [item.label for item in test.button]
    assert [label for label in labels if label in ("cube", "torus", "path with jpg")] == [
        "cube", "torus", "path with jpg",
    ]  # fmt: skip
    test = press(test, "cube")
    assert test.query_params["label"] in (["torus"], "torus")
    assert said(test, "page") == ""
    test = press(test, "Clear all")
    assert not {"label", "path"} & set(test.query_params)


def test_chips_only_of_filters_that_act_here(open_page: OpenPage):
    test = open_page("evaluation", label="cube", path="jpg")
    assert [item.label for item in test.button if item.label in ("cube", "path with jpg")] == ["cube"]
    test = open_page("basket", label="cube")
    assert "cube" not in [item.label for item in test.button]


@pytest.fixture
def _broken(tmp_path: Path) -> Iterator[None]:
    (tmp_path / "decisions.db").write_bytes(b"no database" * 100)
    yield
    (tmp_path / "decisions.db").unlink()


@pytest.mark.usefixtures("_broken")
@pytest.mark.parametrize("page", ["browse", "map", "clusters"])
def test_a_broken_store_of_decisions_breaks_no_page(open_page: OpenPage, page: str):
    test = open_page(page, tag="later", cluster="mine")
    assert not test.exception
