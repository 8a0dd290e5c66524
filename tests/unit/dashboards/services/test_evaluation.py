import dataclasses
from copy import copy
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

import imgsim
from dashboards.services import evaluation
from dashboards.services.models.loaded_model import Loaded
from dashboards.services.models.registry import Version


@pytest.fixture
def unlabelled(loaded: Loaded) -> Loaded:
    """The same vectors without labels."""
    model = imgsim.create(embeddings=np.asarray(loaded.model.embeddings), k=10, progress=False)
    return Loaded("imgsim-vectors", "1", "vectors-token", model)


def version(number: int, **tags: str) -> Version:
    metrics = {name.removeprefix("imgsim."): float(value) for name, value in tags.items() if name.count("_at_")}
    created = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number)
    return Version("imgsim-tiny", str(number), ("champion",) * (number == 2), created, metrics, tags, "run", None)


def test_figures_are_those_of_the_evaluation_with_their_intervals(loaded: Loaded):
    found = loaded.model.evaluation
    figures = {figure.name: figure for figure in evaluation.figures(found)}
    assert list(figures) == list(evaluation.titles(10))
    precision = figures["precision_at_10"]
    assert precision.value == found.metrics["precision_at_10"]
    assert precision.interval == f"{precision.low:.3f} to {precision.high:.3f}"
    assert precision.low <= precision.value <= precision.high
    assert figures["precision_at_10_macro"].interval == ""


def test_without_labels_only_the_graph_has_a_figure(unlabelled: Loaded):
    unlabelled.model.evaluate()
    assert [figure.name for figure in evaluation.figures(unlabelled.model.evaluation)] == ["recall_at_10"]
    assert evaluation.confusion(unlabelled) is None
    assert evaluation.precision_curve(unlabelled).empty


def test_the_curve_ends_at_the_precision_that_was_evaluated(loaded: Loaded):
    metrics = loaded.model.evaluation.metrics
    curve = evaluation.precision_curve(loaded).set_index("k")
    assert list(curve.index) == list(range(1, 11))
    assert curve.loc[10, "precision"] == pytest.approx(metrics["precision_at_10"])
    assert curve.loc[10, "low"] == pytest.approx(metrics["precision_at_10_low"])
    assert curve.loc[1, "precision"] == pytest.approx(metrics["nn1_accuracy"])


@pytest.mark.parametrize("order", [*evaluation.ORDERS, "nonsense"])
def test_classes_come_in_the_order_asked_for(loaded: Loaded, order: str):
    table = evaluation.class_table(loaded.model.evaluation, order)
    _, column, rising = evaluation.ORDERS.get(order, evaluation.ORDERS["weakest"])
    values = table[column].tolist()
    assert values == sorted(values, reverse=not rising)
    assert set(table["label"]) == set(loaded.labels)


def test_the_images_of_a_class_come_hardest_first(loaded: Loaded):
    rows, counts = evaluation.class_rows(loaded, "cube")
    labels = loaded.model.images.labels
    assert {labels[row] for row in rows} == {"cube"}
    assert len(rows) == labels.count("cube")
    assert list(counts) == sorted(counts)
    expected = sum(labels[near] == "cube" for near in loaded.model.graph.neighbors[rows[0]])
    assert counts[0] == expected


def test_the_images_of_a_class_among_another(loaded: Loaded):
    pair = evaluation.confusion(loaded).pairs.iloc[0]
    rows, counts = evaluation.class_rows(loaded, pair["label"], pair["other"])
    assert len(rows)
    assert (counts > 0).all()
    assert list(counts) == sorted(counts, reverse=True)
    assert counts.sum() == pair["count"]


def test_a_label_the_model_does_not_have_has_no_images(loaded: Loaded):
    for asked in (("ship", ""), ("cube", "ship")):
        rows, counts = evaluation.class_rows(loaded, *asked)
        assert len(rows) == len(counts) == 0


def test_confusions_and_own_shares_make_all_neighbours(loaded: Loaded):
    found = evaluation.confusion(loaded)
    away = found.pairs.groupby("label")["share"].sum().reindex(found.own.index, fill_value=0)
    np.testing.assert_allclose(found.own + away, 1)
    assert (found.pairs["share"].diff().dropna() <= 0).all()


def test_the_heatmap_sums_up_what_it_does_not_show(loaded: Loaded):
    found = evaluation.confusion(loaded)
    cells = evaluation.heatmap(found, most=2)
    assert list(dict.fromkeys(cells["label"])) == sorted(evaluation.worst(found, 2))
    np.testing.assert_allclose(cells.groupby("label")["share"].sum(), 1)
    assert evaluation.OTHERS in set(cells["other"])
    assert set(cells["other"]) <= {*evaluation.worst(found, 2), evaluation.OTHERS}


def test_versions_over_time():
    newest_first = [
        version(2, **{"imgsim.precision_at_10": "0.9", "imgsim.precision_at_10_low": "0.8"}),
        version(1, **{"imgsim.recall_at_10": "1.0", "imgsim.promotion": "champion: the first"}),
    ]
    table = evaluation.history(newest_first)
    assert table["version"].tolist() == ["1", "2"]
    assert table["aliases"].tolist() == ["", "champion"]
    lines = evaluation.history_lines(table)
    assert lines[["version", "metric", "value"]].values.tolist() == [
        [2, "Precision@10", 0.9],
        [1, "Graph recall@10", 1.0],
    ]


def test_timings_come_from_the_run_and_else_from_the_graph(loaded: Loaded):
    run = {"seconds.features": 9.0, "cpu_seconds.features": 8.0, "seconds.graph": 10.0, "precision_at_10": 0.5}
    table = evaluation.timings(loaded, run)
    assert table["stage"].tolist() == ["graph", "features"]
    assert table["cpu_seconds"].tolist()[1] == 8.0
    assert np.isnan(table["cpu_seconds"][0])
    assert evaluation.timings(loaded, {})["stage"].tolist() == ["graph"]


def test_metrics_of_a_run_that_cannot_be_asked_are_none(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'absent.db'}")
    assert evaluation.run_metrics("0" * 32) == {}
    assert evaluation.run_metrics(None) == {}


def test_how_recall_was_measured_is_said(loaded: Loaded):
    assert "exact search" in evaluation.recall_words(loaded)
    model = copy(loaded.model)
    model.graph = dataclasses.replace(model.graph, method="nn_descent")
    words = evaluation.recall_words(Loaded("imgsim-tiny", "1", "other-token", model))
    assert f"on {len(loaded)} of {len(loaded)} images" in words


@pytest.mark.parametrize("url", ["javascript:alert(1)", "file:///etc/passwd", "", None])
def test_only_web_addresses_become_links(url):
    assert evaluation.safe_url(url) is None
    assert evaluation.safe_url("HTTPS://mlflow.example/#/runs/1") == "HTTPS://mlflow.example/#/runs/1"


def test_an_empty_history_has_no_lines():
    assert evaluation.history_lines(evaluation.history([])).empty
    assert isinstance(evaluation.history([]), pd.DataFrame)
