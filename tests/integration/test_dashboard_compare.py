"""The page Compare over a real registry with two versions."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import mlflow
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dashboards.services import decided
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
    assert [item.value.split(":")[0] for item in test.header] == ["Query", "Version 1", "Version 2"]
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
    assert test.code[0].value == "imgsim run path/to/pictures --collection alone"
    assert [item.value.split()[0] for item in test.caption] == ["`path/to/pictures`"]


def test_what_differs_is_said_on_every_section(open_page: OpenPage, both):
    before, after = both
    for section in ("query", "overlap", "gains", "labels", "figures"):
        test = open_page("compare", section=section)
        assert not test.exception
        added = len(after) - len(before)
        said = f"The same network, {added} images added, the same labels."
        assert said in [item.value for item in test.markdown], section


def test_labels_that_differ_are_listed_and_named_beside_the_figures(open_page: OpenPage, both, monkeypatch):
    changed = pd.DataFrame({"row": [3, 5], "before": ["cube", "torus"], "after": ["torus", None]})
    monkeypatch.setattr(comparison.comparison, "changed_labels", lambda *_: changed)
    for loaded in both:
        loaded.results.clear()
    test = open_page("compare", section="labels")
    assert [tile["note"] for tile in shown(test, "relabelled")["tiles"]] == ["cube → torus", "torus → no label"]
    test = open_page("compare", section="figures")
    assert "2 labels differ between the versions" in test.info[0].value
    for loaded in both:
        loaded.results.clear()


def test_the_verdict_names_the_better_version_or_says_that_none_is(open_page: OpenPage, both):
    before, after = both
    words = comparison.verdict_words(before, after, "1", "2")
    figures = [side.model.evaluation.metrics["precision_at_10"] for side in both]
    assert f"precision@10 {figures[0]:.3f} → {figures[1]:.3f}" in words.replace("\\", "")
    test = open_page("compare")
    assert words in [item.value for item in test.markdown]


def test_gains_and_losses_by_class_with_pictures(open_page: OpenPage, both):
    before, after = both
    queries = comparison.query_differences(before, after)
    lost, gained = (queries[queries["difference"] < 0], queries[queries["difference"] > 0].iloc[::-1])
    assert len(lost) + len(gained), "the versions differ"
    test = open_page("compare", section="gains")
    assert set(test.dataframe[0].value["label"]) == set(before.labels)
    for table, what in ((lost, "lost"), (gained, "gained")):
        data = shown(test, f"queries-{what}")
        assert [tile["row"] for tile in (data or {"tiles": []})["tiles"]] == table["row"].head(12).tolist()
    changed = lost if len(lost) else gained
    row, what = int(changed["row"].iloc[0]), "lost" if len(lost) else "gained"
    label = before.model.images.labels[row]
    test = open_page("compare", section="gains", **{"class": label})
    assert {tile["label"] for tile in shown(test, f"queries-{what}")["tiles"]} == {label}
    send(test, f"queries-{what}", "action", {"kind": "query", "row": row})
    assert said(test, "q") == before.key(row)


def test_agreement_with_marks_and_the_commands_that_follow(open_page: OpenPage, both):
    keys = both[0].model.images.sha256
    rows = [row for row in range(len(keys)) if keys.count(keys[row]) == 1]
    one = rows[0]
    near = next(int(row) for row in both[0].model.graph.neighbors[one] if row in rows)
    far = next(row for row in rows if both[0].model.images.labels[row] != both[0].model.images.labels[one])
    test = open_page("compare")
    assert not any("of your marks" in item.value for item in test.markdown)
    decided.store().mark_pairs(keys[one], keys[near], True)
    decided.store().mark_pairs(keys[one], keys[far], False)
    decided.store().set_label(keys[one], "tree")
    test = open_page("compare")
    assert any("agrees with **100%** of your marks" in item.value for item in test.markdown)
    assert any("**1** label and **2** pairs" in item.value for item in test.markdown)
    assert "imgsim learn models:/imgsim-tiny/2 -o tiny-learnt.imgsim" in [item.value for item in test.code]
    test = open_page("evaluation")
    assert any("Agrees with **100%** of your marks (1 alike pair, 1 not alike)" in item.value for item in test.markdown)
