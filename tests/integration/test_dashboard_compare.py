"""The page Compare over a real registry with two versions."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import mlflow
import pytest
from streamlit.testing.v1 import AppTest

from dashboards.services.models import registry
from dashboards.services.models.loaded_model import Loaded
from dashboards.views.compare import comparison
from imgsim.mlflow.registry import list_versions
from tests.dashboard_components import said, send, shown

OpenPage = Callable[..., AppTest]


@pytest.fixture
def both(dashboard_registry) -> tuple[Loaded, Loaded]:
    known = {item.version: item for item in list_versions("imgsim-tiny")}
    return registry.load(known["1"]), registry.load(known["2"])


@pytest.fixture
def _alone(dashboard_registry) -> Iterator[None]:
    """A second registered model, which has one version."""
    client = mlflow.MlflowClient(os.environ["MLFLOW_TRACKING_URI"])
    source = client.get_model_version("imgsim-tiny", "2")
    client.create_registered_model("imgsim-alone")
    client.create_model_version("imgsim-alone", source.source, source.run_id, tags=source.tags)
    yield
    client.delete_registered_model("imgsim-alone")


def rows(test: AppTest, side: str) -> list[int]:
    assert not test.exception
    return [tile["row"] for tile in shown(test, f"compare-{side}")["tiles"]]


@pytest.mark.parametrize("sidebar", ["1", "2"])
def test_the_same_query_in_both_the_older_one_on_the_left(open_page: OpenPage, both, sidebar: str):
    before, after = both
    row = before.model.images.labels.index("torus")
    test = open_page("compare", version=sidebar, q=before.key(row), k="5")
    assert [item.value.split(":")[0] for item in test.subheader] == ["Query", "Version 1", "Version 2"]
    there = int(comparison.counterparts(before, after)[row])
    assert rows(test, "left") == before.model.graph.neighbors[row, :5].tolist()
    assert rows(test, "right") == after.model.graph.neighbors[there, :5].tolist()


def test_notes_and_overlap_agree(open_page: OpenPage):
    test = open_page("compare", k="10")
    left, right = (shown(test, f"compare-{side}")["tiles"] for side in ("left", "right"))
    common = sum("gone" not in tile["note"] and "not in" not in tile["note"] for tile in left)
    assert common == sum("new" not in tile["note"] and "not in" not in tile["note"] for tile in right)
    assert any(f"**{common}** of 10 neighbours are in both lists" in item.value for item in test.markdown)


def test_the_image_whose_neighbours_changed_most_is_asked_by_default(open_page: OpenPage, both):
    test = open_page("compare", k="10")
    found = comparison.overlap(*both, 10)
    assert test.text_input(key="compare-q").value == both[0].model.images.paths[int(found.rows[0])]


def test_a_click_on_a_neighbour_asks_both_with_it(open_page: OpenPage, both):
    test = open_page("compare", k="5")
    across = comparison.counterparts(both[1], both[0])
    row = next(row for row in rows(test, "right") if across[row] >= 0)
    send(test, "compare-right", "action", {"kind": "query", "row": row})
    assert said(test, "q") == both[1].key(row)
    assert test.text_input(key="compare-q").value == both[1].model.images.paths[row]


def test_an_image_by_path_and_one_at_random(open_page: OpenPage, both):
    test = open_page("compare")
    path = both[0].model.images.paths[3]
    test.text_input(key="compare-q").set_value(path).run()
    assert said(test, "q") == both[0].key(3)
    test.button[0].click().run()
    assert both[0].row(said(test, "q")) is not None
    assert not test.exception


def test_an_image_that_only_one_version_has_is_said(open_page: OpenPage, both):
    before, after = both
    only = next(row for row in range(len(after)) if before.row(after.key(row)) is None)
    test = open_page("compare", q=after.key(only))
    path = after.model.images.paths[only]
    assert f"{path} is in version 2 only" in test.warning[0].value.replace("\\", "")
    test = open_page("compare", q="<script>")
    assert "called \\<script\\>" in test.warning[0].value


def test_overlap_of_all_images_and_a_click_asks(open_page: OpenPage, both):
    test = open_page("compare", section="overlap", k="10")
    found = comparison.overlap(*both, 10)
    assert any(f"**{found.mean:.0%}** are the same" in item.value for item in test.markdown)
    assert [tile["row"] for tile in shown(test, "changed")["tiles"]] == found.rows[:24].tolist()
    send(test, "changed", "action", {"kind": "query", "row": int(found.rows[2])})
    assert said(test, "q") == both[0].key(int(found.rows[2]))
    assert "section" not in test.query_params


def test_figures_and_facts(open_page: OpenPage, both):
    test = open_page("compare", section="figures")
    metrics, facts = (item.value for item in test.dataframe)
    assert metrics["before"][0] == both[0].model.evaluation.metrics["precision_at_10"]
    assert metrics["after"][0] == both[1].model.evaluation.metrics["precision_at_10"]
    assert facts.set_index("fact").loc["images"].tolist() == [f"{len(side):,}" for side in both]


def test_filters_that_leave_nothing_are_said(open_page: OpenPage):
    test = open_page("compare", path="no such path")
    assert not test.exception
    assert [item.value for item in test.info] == ["No image passes the filters of the sidebar."] * 2


@pytest.mark.usefixtures("_alone")
def test_a_model_with_one_version_says_how_to_make_a_second(open_page: OpenPage):
    test = open_page("compare", model="imgsim-alone")
    assert not test.exception
    assert "one version so far" in test.info[0].value
    assert test.code[0].value == "imgsim run path/to/pictures --collection alone --backbone mobilenet_v2"
    assert [item.value.split()[0] for item in test.caption] == ["`path/to/pictures`", "torchvision"]
