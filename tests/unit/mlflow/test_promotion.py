"""The promotion rule, case by case."""

import math

import pytest

from imgsim.mlflow.promotion import RECALL_TOLERANCE, decide

CHAMPION = {"precision_at_10": 0.80, "precision_at_10_low": 0.78, "precision_at_10_high": 0.82, "recall_at_10": 1.0}


def test_first_version_is_champion() -> None:
    decision = decide({"precision_at_10": 0.1, "recall_at_10": 0.99}, None)
    assert decision.promote
    assert "first champion" in decision.reason
    assert "0.1000" in decision.reason


@pytest.mark.parametrize(
    ("precision", "promote"), [(0.90, True), (0.80, True), (0.78, True), (0.7799, False), (0.0, False)]
)
def test_precision_may_fall_to_the_lower_bound(precision: float, promote: bool) -> None:
    decision = decide({"precision_at_10": precision, "recall_at_10": 0.5}, CHAMPION)
    assert decision.promote is promote
    assert f"{precision:.4f}" in decision.reason
    assert "0.7800" in decision.reason


def test_without_a_bound_nothing_is_tolerated() -> None:
    champion = {"precision_at_10": 0.80}
    assert decide({"precision_at_10": 0.80}, champion).promote
    assert not decide({"precision_at_10": 0.7999}, champion).promote


@pytest.mark.parametrize(("recall", "promote"), [(0.99, True), (0.99 - RECALL_TOLERANCE, True), (0.98, False)])
def test_recall_decides_when_either_has_no_labels(recall: float, promote: bool) -> None:
    assert decide({"recall_at_10": recall}, {"recall_at_10": 0.99}).promote is promote
    labelled = {"recall_at_10": 0.99, "precision_at_10": 0.7}
    decision = decide({"recall_at_10": recall}, labelled)
    assert decision.promote is promote
    assert "recall@10" in decision.reason


def test_nan_counts_as_unknown() -> None:
    decision = decide({"precision_at_10": math.nan, "recall_at_10": 0.999}, CHAMPION)
    assert decision.promote
    assert "recall@10" in decision.reason


def test_figures_beat_no_figures_and_nothing_beats_nothing() -> None:
    assert decide({"recall_at_10": 0.9}, {}).promote
    assert not decide({}, {}).promote
    assert not decide({}, CHAMPION).promote
    assert "not comparable" in decide({}, CHAMPION).reason
