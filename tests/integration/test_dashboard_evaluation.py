"""The page Evaluation in every section, over a real registry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboards.services.models.loaded_model import Loaded
from dashboards.services.tidy.findings import suspects_table
from dashboards.views.evaluation.class_counts import class_rows, confusion
from dashboards.views.evaluation.figures import figures
from tests.dashboard_components import choice, said, shown

OpenPage = Callable[..., AppTest]


def loaded(test: AppTest) -> Loaded:
    return test.session_state["open"].loaded


def table(test: AppTest, place: int = 0) -> Any:
    assert not test.exception
    return test.dataframe[place].value


def texts(test: AppTest) -> str:
    return "\n".join(item.value for item in [*test.caption, *test.markdown])


def test_figures_come_with_their_intervals(open_page: OpenPage):
    test = open_page("evaluation")
    cards = figures(loaded(test).model.evaluation)
    assert [metric.label for metric in test.metric] == [figure.title for figure in cards]
    assert [metric.value for metric in test.metric] == [f"{figure.value:.3f}" for figure in cards]
    assert test.metric[0].delta == f"({cards[0].interval})"


def test_classes_in_the_order_of_the_url(open_page: OpenPage):
    test = open_page("evaluation", order="name")
    assert table(test)["label"].tolist() == sorted(loaded(test).labels)
    choice(test.button_group, "order").set_value("largest").run()
    assert said(test, "order") == "largest"
    assert table(test)["images"].is_monotonic_decreasing


def test_the_labels_of_the_sidebar_narrow_the_classes(open_page: OpenPage):
    assert table(open_page("evaluation", label="cube"))["label"].tolist() == ["cube"]


def test_a_link_to_a_class_shows_its_images(open_page: OpenPage):
    test = open_page("evaluation", **{"class": "cube"})
    tiles = shown(test, "class-images")["tiles"]
    assert {tile["label"] for tile in tiles} == {"cube"}
    counts = [int(tile["note"].split()[0]) for tile in tiles]
    assert counts == sorted(counts)


def test_a_class_that_is_not_there_is_said(open_page: OpenPage):
    test = open_page("evaluation", **{"class": "<b>ship</b>"})
    assert not test.exception
    assert "No image fits" in test.info[0].value
    assert "\\<b\\>" in test.header[0].value


def test_confusions_down_to_the_images(open_page: OpenPage):
    test = open_page("evaluation", section="confusion")
    pair = confusion(loaded(test)).pairs.iloc[0]
    assert table(test).iloc[0].tolist() == [pair["label"], pair["other"], pair["share"], pair["count"]]
    assert len(test.get("vega_lite_chart")) == 1
    test = open_page("evaluation", section="confusion", **{"class": pair["label"], "other": pair["other"]})
    tiles = shown(test, "class-images")["tiles"]
    assert {tile["label"] for tile in tiles} == {pair["label"]}
    assert all(f"are {pair['other']}" in tile["note"] for tile in tiles)


def test_precision_by_rank_and_how_recall_was_measured(open_page: OpenPage):
    test = open_page("evaluation", section="ranks")
    assert len(test.get("vega_lite_chart")) == 1
    assert "exact search" in texts(test)


def test_every_version_with_its_figures(open_page: OpenPage):
    test = open_page("evaluation", section="versions")
    rows = table(test)
    assert rows["version"].tolist() == ["2", "1"]
    assert rows["precision"].notna().all()
    assert "champion" in " ".join(rows["aliases"])
    assert "run" not in rows  # a database has no address to link to


def test_runs_are_linked_where_mlflow_has_an_address(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("IMGSIM_MLFLOW_UI", "http://127.0.0.1:5000")
    test = open_page("evaluation", section="versions")
    assert table(test)["run"].str.startswith("http://127.0.0.1:5000/#/experiments/").all()
    assert len(test.get("link_button")) == 1


def test_timings_of_the_run(open_page: OpenPage):
    test = open_page("evaluation", section="timings")
    assert not test.exception
    assert "noted no times" in test.info[0].value  # this registry was made without the pipeline


def test_another_section_forgets_the_class(open_page: OpenPage):
    test = open_page("evaluation", **{"class": "cube", "order": "name"})
    choice(test.button_group, "section").set_value("versions").run()
    assert said(test, "section") == "versions"
    assert "class" not in test.query_params


def test_a_class_tells_which_labels_it_meets(open_page: OpenPage):
    test = open_page("evaluation", section="confusion")
    pairs = confusion(loaded(test)).pairs
    label = pairs["label"].iloc[0]
    test = open_page("evaluation", **{"class": label})
    others = pairs[pairs["label"] == label]
    control = choice(test.button_group, "other")
    assert [option.split()[0] for option in control.options] == ["all", *others["other"].head(6)]
    notes = [tile["note"] for tile in shown(test, "class-images")["tiles"]]
    assert any(f" {others['other'].iloc[0]}" in note for note in notes)
    control.set_value(others["other"].iloc[0]).run()
    assert said(test, "other") == others["other"].iloc[0]
    assert all(f"are {others['other'].iloc[0]}" in tile["note"] for tile in shown(test, "class-images")["tiles"])


def test_only_controls_that_act_are_shown(open_page: OpenPage):
    def keys(test: AppTest) -> set[str]:
        kinds = (test.slider, test.select_slider, test.multiselect, test.text_input, test.button_group, test.toggle)
        return {item.key.split("-")[1] for kind in kinds for item in kind if (item.key or "").startswith("choice-")} & {
            "k", "cut", "labels", "path", "same", "collapse",
        }  # fmt: skip

    assert keys(open_page("search")) == {"k", "cut", "labels", "path", "same", "collapse"}
    assert keys(open_page("browse")) == {"labels", "path", "collapse"}
    assert keys(open_page("neighbours")) == {"cut", "labels", "path", "same", "collapse"}
    assert keys(open_page("evaluation")) == {"labels"}
    assert keys(open_page("evaluation", section="versions")) == set()
    assert keys(open_page("compare", section="overlap")) == {"k"}
    assert keys(open_page("tidy_up", section="rejected")) == {"path"}
    assert keys(open_page("tidy_up", section="quality")) == {"labels", "path"}
    assert keys(open_page("basket")) == keys(open_page("phone_app")) == set()


def test_the_hardest_images_come_each_with_their_neighbours(open_page: OpenPage):
    test = open_page("evaluation", **{"class": "cube"})
    rows, _ = class_rows(loaded(test), "cube", "")
    graph = loaded(test).evaluated_graph
    for row in rows[:5].tolist():
        tiles = shown(test, f"hardest-{row}")["tiles"]
        assert [tile["row"] for tile in tiles] == [row, *graph.neighbors[row, :5].tolist()]
        assert "share the label" in tiles[0]["note"]
    assert shown(test, f"hardest-{rows[5]}") is None


def test_both_classes_of_a_confusion_are_on_the_map(open_page: OpenPage):
    test = open_page("evaluation", section="confusion")
    pair = confusion(loaded(test)).pairs.iloc[0]
    test = open_page("evaluation", **{"class": pair["label"], "other": pair["other"]})
    next(item for item in test.button if item.label == "Both on the map").click().run()
    assert not test.exception
    assert test.query_params["label"] == [pair["label"], pair["other"]]


def test_likely_wrong_labels_of_a_class_lead_to_their_review(open_page: OpenPage):
    test = open_page("evaluation")
    table = suspects_table(loaded(test))
    doubted = table[(table["votes"] > table["votes_given"]) | (table["probability"] >= 0.5)]
    label = doubted["label"].iloc[0]
    test = open_page("evaluation", **{"class": label})
    rows = [tile["row"] for tile in shown(test, "class-doubtful")["tiles"]]
    assert rows == doubted[doubted["label"] == label]["row"].head(12).tolist()
    next(item for item in test.button if item.label == "Review these labels").click().run()
    assert not test.exception
    assert (said(test, "section"), said(test, "label")) == ("labels", label)
