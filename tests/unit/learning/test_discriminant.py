import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgsim.features.whitening import Pairs
from imgsim.learning.discriminant import (
    Scatter,
    discriminant_map,
    neighbor_scatter,
    pair_scatter,
    ridged,
    whitening_map,
    within_covariance,
)


@pytest.fixture
def classes(rng):
    """Five classes that lie apart in dimensions 0 and 1, and vary most in dimension 2."""
    codes = np.repeat(np.arange(5), 40)
    rows = rng.normal(size=(200, 8)) * [0.3, 0.3, 5, 1, 1, 1, 1, 1]
    rows[:, :2] += rng.normal(size=(5, 2))[codes] * 3
    return (rows - rows.mean(axis=0)).astype(np.float32), codes


def test_discriminants_are_where_the_classes_differ(classes):
    rows, codes = classes
    within = sum(np.cov(rows[codes == code].T, ddof=0) * 40 for code in range(5)) / 195
    means = np.stack([rows[codes == code].mean(axis=0) * 40**0.5 for code in range(5)])
    found = discriminant_map(ridged(within.astype(np.float32), 0.01), means, 8)
    assert found.shape[1] <= 4
    first = np.abs(found[:, 0])
    assert first[:2].max() > 10 * first[2]
    covariance = found.T @ ridged(within, 0.01) @ found
    np.testing.assert_allclose(covariance, np.eye(found.shape[1]), atol=1e-3)


@settings(deadline=None, max_examples=25)
@given(st.integers(2, 12), st.integers(0, 1000))
def test_whitening_makes_differences_round(p, seed):
    rng = np.random.default_rng(seed)
    values = np.sort(rng.uniform(0.1, 3, p))[::-1]
    differences = rng.normal(size=(50, p))
    within = differences.T @ differences / 50
    found = whitening_map(np.diag(values), within, p)
    scaled = values**-0.25
    shrunk = ridged(within * np.outer(scaled, scaled), 0.2) / np.outer(scaled, scaled)
    np.testing.assert_allclose(found.T @ shrunk @ found, np.eye(p), atol=1e-6)


def test_what_people_call_different_is_kept(rng):
    """The last direction varies least and would be left out, but pairs that are not alike differ in it."""
    values = np.array([4.0, 3.0, 2.0, 0.1])
    apart = np.zeros((30, 4), np.float32)
    apart[:, 3] = 20
    scatter = pair_scatter(apart)
    total = (100 * np.diag(values) + scatter.total) / (100 + scatter.freedom)
    plain, taught = (whitening_map(each, np.eye(4), 2) for each in (np.diag(values), total))
    assert np.abs(plain[3]).max() < 1e-9
    assert np.abs(taught[3]).max() > 0.1


def test_neighbours_stand_in_where_labels_are_few(rng):
    rows = rng.normal(size=(60, 4)).astype(np.float32)
    pairs = Pairs(np.arange(30), np.arange(30, 60), np.ones(30))
    neighbors = neighbor_scatter(rows, pairs)
    few, many = Scatter(np.diag([4.0, 1, 1, 1]), 1), Scatter(np.diag([4.0, 1, 1, 1]) * 1e5, 1e5)
    shape = lambda covariance: covariance / covariance.trace()  # noqa: E731
    far = np.abs(shape(within_covariance(few, neighbors)) - shape(neighbors.total)).max()
    near = np.abs(shape(within_covariance(many, neighbors)) - shape(many.total)).max()
    assert max(far, near) < 0.01
    assert np.array_equal(within_covariance(few, Scatter(neighbors.total, 0)), few.total)
    assert np.array_equal(within_covariance(Scatter(0 * few.total, 0), neighbors), neighbors.total / neighbors.freedom)
