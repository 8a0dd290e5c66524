import numpy as np
import pytest

from imgsim.neighbors.graph import build_graph
from imgsim.selection.coverage import coverage, nearest_chosen, typical_distance
from tests.vector_models import clustered


def test_figures_are_those_of_all_pairs():
    matrix, chosen = clustered(0.3), np.array([3, 40, 77, 120])
    apart = np.linalg.norm(matrix[:, None] - matrix[chosen][None], axis=2)
    places, distances = nearest_chosen(matrix, chosen)
    assert (places == apart.argmin(axis=1)).all()
    assert distances == pytest.approx(apart.min(axis=1), abs=1e-5)
    found = coverage(matrix, chosen, np.arange(len(matrix)), 1.2)
    nearest = apart.min(axis=1)
    assert found["largest"] == pytest.approx(nearest.max(), abs=1e-5)
    assert found["mean"] == pytest.approx(nearest.mean(), abs=1e-5)
    assert found["covered"] == pytest.approx((nearest <= 1.2).mean())
    assert found["typical"] == 1.2


def test_all_rows_cover_all():
    matrix, rows = clustered(0.3), np.arange(200)
    found = coverage(matrix, rows, rows, 0.5)
    assert found["largest"] == found["random_mean"] == 0
    assert found["covered"] == found["random_covered"] == 1


def test_the_random_choice_is_among_the_rows_that_are_named():
    matrix = np.concatenate([np.zeros((5, 2)), np.ones((5, 2))]).astype(np.float32)
    found = coverage(matrix, np.array([0, 5]), np.arange(5), 0.1)
    assert found["covered"] == 1
    assert found["random_covered"] == 0.5


def test_typical_distance_of_a_graph():
    graph = build_graph(clustered(0.3), 5)
    assert typical_distance(graph) == pytest.approx(np.median(graph.distances))
    assert typical_distance(build_graph(np.ones((1, 3), np.float32), 5)) == 0
