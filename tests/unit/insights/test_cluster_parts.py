import numpy as np
import pytest

from imgsim.errors import ArgumentError
from imgsim.insights.cluster_parts import split_cluster, typical_rows


@pytest.fixture
def matrix() -> np.ndarray:
    """Three heaps of 4, 3 and 2 rows around (0, 0), (10, 0) and (0, 10), and a row outside."""
    heaps = [(0, 0)] * 4 + [(10, 0)] * 3 + [(0, 10)] * 2
    noise = np.random.default_rng(0).normal(0, 0.1, (9, 2))
    return np.concatenate([np.array(heaps) + noise, [[99, 99]]]).astype(np.float32)


def test_parts_are_the_heaps_the_largest_first(matrix):
    rows = np.array([8, 0, 4, 1, 5, 2, 6, 3, 7])
    found = split_cluster(matrix, rows, 3)
    assert [part.tolist() for part in found] == [[0, 1, 2, 3], [4, 5, 6], [8, 7]]


def test_equal_seeds_give_equal_parts(matrix):
    rows = np.arange(9)
    one, other = (split_cluster(matrix, rows, 2, seed=3) for _ in range(2))
    assert [part.tolist() for part in one] == [part.tolist() for part in other]
    assert sorted(np.concatenate(one).tolist()) == rows.tolist()


def test_equal_rows_cannot_be_split():
    assert len(split_cluster(np.ones((5, 2), np.float32), np.arange(5), 2)) == 1
    assert split_cluster(np.ones((5, 2), np.float32), np.arange(0), 2) == []


def test_one_part_is_no_split(matrix):
    with pytest.raises(ArgumentError, match="at least 2"):
        split_cluster(matrix, np.arange(9), 1)


def test_typical_rows_lie_nearest_to_the_middle():
    matrix = np.array([[0], [4], [5], [6], [100]], np.float32)
    assert typical_rows(matrix, np.array([0, 1, 2, 3]), 2).tolist() == [1, 2]  # the middle is 3.75
    assert typical_rows(matrix, np.array([4]), 6).tolist() == [4]
    assert len(typical_rows(matrix, np.arange(0), 6)) == 0
