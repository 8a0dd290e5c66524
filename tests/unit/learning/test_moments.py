import numpy as np
import pytest

from imgsim.learning.discriminant import Members, pair_scatter
from imgsim.learning.moments import gather, parts_of

NONE = np.zeros((0, 2), np.int64)


def single(codes):
    return Members(np.arange(len(codes)), codes, np.ones(len(codes)))


def within(rows, members, alike=NONE):
    """Scatter within classes, of rows in one fold; both triangles."""
    folds, groups = np.zeros(len(rows), np.int64), np.zeros(int(members.classes.max()) + 1, np.int64)
    found = gather(parts_of(rows), rows.shape[1], members, folds, groups, (alike, NONE)).within()
    return np.tril(found.total) + np.tril(found.total, -1).T, found.freedom


@pytest.fixture
def classes(rng):
    """Five classes of 2,000 rows, which are read in several parts."""
    codes = np.arange(10_000) % 5
    rows = rng.normal(size=(len(codes), 6)) + rng.normal(size=(5, 6))[codes]
    return rows.astype(np.float32), codes


def test_scatter_within_classes_is_that_around_their_means(classes):
    rows, codes = classes
    total, freedom = within(rows, single(codes))
    expected = sum(np.cov(rows[codes == code].T, ddof=0) * 2000 for code in range(5))
    np.testing.assert_allclose(total, expected, atol=0.05)
    assert freedom == 9995


def test_a_pair_is_a_class_of_two(classes):
    rows, codes = classes
    two = pair_scatter(rows[:1] - rows[4500:4501]).total
    alone, paired = (within(rows, single(codes), alike) for alike in (NONE, np.array([[0, 4500]])))
    np.testing.assert_allclose(paired[0] - alone[0], two, atol=0.01)
    assert paired[1] == alone[1] + 1
    as_class = within(rows[[0, 4500]], single(np.zeros(2, np.int64)))
    np.testing.assert_allclose(as_class[0], two, atol=1e-4)


def test_an_image_of_two_classes_counts_half_in_each(classes):
    rows, codes = classes
    weights = np.ones(10_001)
    weights[[0, 10_000]] = 0.5
    members = Members(np.append(np.arange(10_000), 0), np.append(codes, 3), weights)
    total, freedom = within(rows, members)
    inside = [(codes == code).astype(float) for code in range(5)]
    inside[0][0] = inside[3][0] = 0.5
    expected = sum(np.cov(rows.T, ddof=0, aweights=each) * each.sum() for each in inside)
    np.testing.assert_allclose(total, expected, atol=0.05)
    assert freedom == pytest.approx(9995)
