import dataclasses
from copy import copy

import pytest

from dashboards.services.models.loaded_model import Loaded
from dashboards.views.evaluation.ranks import precision_curve, recall_words


def test_the_curve_ends_at_the_precision_that_was_evaluated(loaded: Loaded):
    metrics = loaded.model.evaluation.metrics
    curve = precision_curve(loaded).set_index("k")
    assert list(curve.index) == list(range(1, 11))
    assert curve.loc[10, "precision"] == pytest.approx(metrics["precision_at_10"])
    assert curve.loc[10, "low"] == pytest.approx(metrics["precision_at_10_low"])
    assert curve.loc[1, "precision"] == pytest.approx(metrics["nn1_accuracy"])


def test_how_recall_was_measured_is_said(loaded: Loaded):
    assert "exact search" in recall_words(loaded)
    model = copy(loaded.model)
    model.references = copy(model.references)
    model.references.graph = dataclasses.replace(model.graph, method="nn_descent")
    words = recall_words(Loaded("imgsim-tiny", "1", "other-token", model))
    assert f"on {len(loaded)} of {len(loaded)} images" in words


def test_without_labels_there_is_no_curve(unlabelled: Loaded):
    assert precision_curve(unlabelled).empty
