import numpy as np
import pytest

from imgsim.evaluation.marks import mark_agreement

POINTS = np.array([[0], [1], [3], [6], [10]], np.float32)
NONE = np.empty((0, 2), np.int64)


def pairs(*rows: tuple[int, int]) -> np.ndarray:
    return np.array(rows, np.int64)


def test_all_alike_pairs_closer_than_all_others():
    assert mark_agreement(POINTS, pairs((0, 1), (1, 2)), pairs((2, 3), (3, 4))) == 1.0
    assert mark_agreement(POINTS, pairs((2, 3), (3, 4)), pairs((0, 1), (1, 2))) == 0.0


def test_the_share_of_couples_that_agree():
    """Distances 1 and 4 against 2 and 3: 1 is below both, 4 below none."""
    assert mark_agreement(POINTS, pairs((0, 1), (3, 4)), pairs((1, 2), (2, 3))) == 0.5
    assert mark_agreement(POINTS, pairs((0, 1), (2, 3), (3, 4)), pairs((1, 2), (0, 3))) == pytest.approx(4 / 6)


def test_equal_distances_count_one_half():
    assert mark_agreement(POINTS, pairs((0, 2)), pairs((2, 3))) == 0.5


def test_marks_of_one_kind_say_nothing():
    assert mark_agreement(POINTS, pairs((0, 1)), NONE) is None
    assert mark_agreement(POINTS, NONE, pairs((0, 1))) is None
