import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgsim.evaluation import SHARED_NEIGHBORS, difference_interval, mean_interval


def test_yes_or_no_answers_have_wilsons_interval():
    """Nine of ten: 0.596 to 0.982 (Wilson 1927)."""
    mean, low, high = mean_interval(np.array([1.0] * 9 + [0.0]))
    assert (mean, low, high) == (0.9, pytest.approx(0.5958, abs=1e-4), pytest.approx(0.9821, abs=1e-4))


def test_twelve_hits_of_twelve_are_no_proof():
    _, low, high = mean_interval(np.ones(12))
    assert high == 1
    assert 0.7 < low < 0.8


def test_values_that_vary_less_than_yes_or_no_are_more_certain():
    rng = np.random.default_rng(0)
    _, low, high = mean_interval(rng.uniform(0.4, 0.6, 200))
    _, wide_low, wide_high = mean_interval((rng.random(200) < 0.5).astype(float))
    assert 0 < high - low < (wide_high - wide_low) / 2


def test_columns_have_intervals_of_their_own():
    values = np.random.default_rng(0).random((30, 3))
    together = mean_interval(values)
    for column in range(3):
        np.testing.assert_allclose([end[column] for end in together], mean_interval(values[:, column]))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50), st.floats(1, 3))
def test_intervals_hold_their_mean_are_never_empty_and_lie_within_0_and_1(values, effect):
    mean, low, high = mean_interval(np.array(values), effect)
    assert 0 <= low <= mean <= high <= 1
    assert low < high


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=50))
def test_differences_have_intervals_within_minus_1_and_1(values):
    mean, low, high = difference_interval(np.array(values))
    assert mean == pytest.approx(np.mean(values), abs=1e-9)
    assert -1 <= low <= high <= 1
    assert low < high


@pytest.mark.parametrize("apart", [0.0, 2.0, 4.0])
def test_intervals_of_leave_one_out_figures_cover_the_truth(apart):
    """Queries are references of each other: independent ones would be covered with half the width."""
    means, covered = [], []
    for seed in range(120):
        hits = _precision(40, apart, seed)
        means.append(mean_interval(hits, SHARED_NEIGHBORS))
    truth = np.mean([mean for mean, _, _ in means])
    covered = [low <= truth <= high for _, low, high in means]
    assert np.mean(covered) > 0.9


def _precision(rows: int, apart: float, seed: int) -> np.ndarray:
    """Precision@10 of each of ``rows`` points of four normal distributions."""
    rng = np.random.default_rng(seed)
    labels = np.arange(rows) % 4
    points = apart * np.eye(4, 8)[labels] + rng.standard_normal((rows, 8))
    squares = ((points[:, None] - points[None]) ** 2).sum(axis=2)
    np.fill_diagonal(squares, np.inf)
    return (labels[np.argsort(squares, axis=1)[:, :10]] == labels[:, None]).mean(axis=1)
