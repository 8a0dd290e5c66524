"""Our NN-Descent against exact search, on vectors that lie in clusters and on such that do not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgsim.evaluation import recall
from imgsim.neighbors import nndescent
from imgsim.neighbors.graph import NeighborGraph, build_graph
from imgsim.neighbors.nndescent import nn_descent_knn
from tests.unit.neighbors.test_faiss_calls import threads


def clustered(rng: np.random.Generator, rows: int, spread: float = 0.5) -> np.ndarray:
    centres = rng.standard_normal((40, 64), np.float32)
    return (centres[rng.integers(40, size=rows)] + spread * rng.standard_normal((rows, 64), np.float32)).astype(
        np.float32
    )


def recall_of(matrix: np.ndarray, graph: NeighborGraph) -> float:
    return recall(matrix, graph, 10)["recall_at_10"]


@pytest.mark.parametrize("spread", [0.1, 0.5, 2.0])
def test_recall_and_invariants_and_seed(rng, spread):
    matrix = clustered(rng, 5000, spread)
    graph = build_graph(matrix, k=10, method="nn_descent", seed=3)
    graph.check()
    assert graph.method == "nn_descent"
    assert recall_of(matrix, graph) >= 0.98
    assert build_graph(matrix, k=10, method="nn_descent", seed=3).digest == graph.digest


def test_threads_change_nothing(rng):
    matrix = clustered(rng, 5000)
    with threads(1):
        alone = nn_descent_knn(matrix, 10)
    with threads(4):
        together = nn_descent_knn(matrix, 10)
    assert np.array_equal(alone[0], together[0])
    assert np.array_equal(alone[1], together[1])


def test_rounds_find_what_cells_miss(rng, monkeypatch):
    """Each row starts from its own cell and one more."""
    matrix = clustered(rng, 5000)
    monkeypatch.setattr(nndescent, "_MOST_PROBES", 2)
    monkeypatch.setattr(nndescent, "_START", 0.0)
    monkeypatch.setattr(nndescent, "_ROUND_ROWS", 0)
    reached = []
    for rounds in (0, 1, 4):
        monkeypatch.setattr(nndescent, "_MOST_ROUNDS", rounds)
        reached.append(recall_of(matrix, build_graph(matrix, 10, "nn_descent")))
    assert reached[0] < reached[1] - 0.05 < reached[2] - 0.05


def test_few_rows_are_searched_exactly(rng):
    matrix = rng.standard_normal((300, 8), np.float32)
    graph, exact = build_graph(matrix, 10, "nn_descent"), build_graph(matrix, 10, "exact")
    assert np.array_equal(graph.neighbors, exact.neighbors)
    assert np.array_equal(graph.distances, exact.distances)


@settings(deadline=None, max_examples=30)
@given(st.integers(30, 200), st.integers(1, 29), st.sampled_from(["equal", "two", "few", "any"]), st.booleans())
def test_every_rule_of_a_graph_holds(n, k, kind, rounds):
    rng = np.random.default_rng(n)
    values = {"equal": np.ones((n, 3)), "two": rng.integers(2, size=(n, 1)), "few": rng.integers(3, size=(n, 2))}
    matrix = np.ascontiguousarray(values.get(kind, rng.normal(size=(n, 4))), np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nndescent, "SAMPLE", 20)  # else so few rows are searched exactly
        if rounds:
            patch.setattr(nndescent, "_ROUND_ROWS", 0)
        graph = build_graph(matrix, k, "nn_descent")
    graph.check()
    assert graph.neighbors.shape == (n, k)
    true = np.linalg.norm(matrix[:, None].astype(np.float64) - matrix[graph.neighbors], axis=2)
    np.testing.assert_allclose(graph.distances, true, rtol=1e-5, atol=1e-6)
