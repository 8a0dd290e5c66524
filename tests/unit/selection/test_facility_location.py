from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgsim.selection import facility_location
from imgsim.selection.facility_location import choose
from tests.vector_models import LABELS, clustered


def saved(matrix: np.ndarray, chosen: list[int], first: int) -> float:
    """Distance that the choice saves all rows, compared with the first row alone."""
    apart = np.linalg.norm(matrix[:, None] - matrix[None], axis=2)
    return float((apart[first] - apart[[first, *chosen]].min(axis=0)).sum())


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 9), st.integers(1, 3))
def test_the_choice_is_within_its_bound_of_the_best(seed: int, n: int, count: int):
    matrix = np.random.default_rng(seed).normal(size=(n, 3)).astype(np.float32)
    first, *others = choose(matrix, min(count + 1, n)).tolist()
    central = ((matrix - matrix.mean(axis=0)) ** 2).sum(axis=1)
    assert central[first] == pytest.approx(central.min(), abs=1e-5)
    best = max(saved(matrix, list(rows), first) for rows in combinations(range(n), len(others)))
    assert saved(matrix, others, first) >= (1 - 1 / np.e) * best - 1e-4


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(20, 60))
def test_each_row_is_the_one_that_saves_most(seed: int, n: int):
    """Gains are kept up to date without being computed again."""
    matrix = np.random.default_rng(seed).normal(size=(n, 4)).astype(np.float32)
    first, *others = choose(matrix, 12).tolist()
    for place, row in enumerate(others):
        before = others[:place]
        gains = [saved(matrix, [*before, other], first) for other in range(n)]
        assert gains[row] >= max(gains) - 1e-3


def test_fewer_rows_are_the_beginning_of_more():
    matrix = clustered(0.3)
    assert choose(matrix, 30)[:12].tolist() == choose(matrix, 12).tolist()


def test_all_rows_can_be_chosen_each_once():
    matrix = np.repeat(clustered(0.3)[:20], 2, axis=0)
    assert sorted(choose(matrix, 40)) == list(range(40))


@pytest.mark.parametrize("ground", [4096, 60])
def test_every_cluster_gets_one(ground: int, monkeypatch: pytest.MonkeyPatch):
    """Also where only some of the rows stand for all."""
    monkeypatch.setattr(facility_location, "GROUND", ground)
    chosen = choose(clustered(0.1), 8)
    assert sorted(LABELS[chosen]) == list("abcdefgh")
    assert chosen.tolist() == choose(clustered(0.1), 8).tolist()
