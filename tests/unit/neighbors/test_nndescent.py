from pathlib import Path

import numpy as np
import pytest

from imgsim.evaluation import recall
from imgsim.neighbors.graph import build_graph
from imgsim.neighbors.nndescent import COMPILED, _rank_found


@pytest.mark.slow
def test_recall_and_invariants_and_seed(rng):
    import pynndescent  # once the test's home is in the environment

    centres = rng.standard_normal((40, 64), np.float32)
    matrix = (centres[rng.integers(40, size=3000)] + 0.5 * rng.standard_normal((3000, 64), np.float32)).astype(
        np.float32
    )
    graph = build_graph(matrix, k=10, method="nn_descent", seed=3)
    graph.check()
    assert graph.method == "nn_descent"
    assert recall(matrix, graph, 10)["recall_at_10"] >= 0.97
    assert build_graph(matrix, k=10, method="nn_descent", seed=3).digest == graph.digest
    for module, name in COMPILED:
        folder = getattr(getattr(pynndescent, module), name).stats.cache_path
        assert list(Path(folder).glob(f"*.{name}-*.nbi")), f"{name} is kept for the next process"


def test_missing_entries_are_searched_exactly(rng):
    matrix = rng.standard_normal((20, 4), np.float32)
    exact = build_graph(matrix, k=3, method="exact")
    found = np.concatenate([np.arange(20)[:, None], exact.neighbors], axis=1).astype(np.int64)
    found[5, 2:] = -1
    ids, distances = _rank_found(matrix, found, 3)
    assert np.array_equal(ids, exact.neighbors)
    assert np.array_equal(distances, exact.distances)
