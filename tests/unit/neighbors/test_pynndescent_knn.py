from pathlib import Path

import numpy as np
import pytest

from imgsim.evaluation import recall
from imgsim.neighbors.graph import build_graph
from imgsim.neighbors.pynndescent_knn import COMPILED


@pytest.mark.slow
def test_recall_and_invariants_and_seed(rng):
    import pynndescent  # once the test's home is in the environment

    centres = rng.standard_normal((40, 64), np.float32)
    matrix = (centres[rng.integers(40, size=3000)] + 0.5 * rng.standard_normal((3000, 64), np.float32)).astype(
        np.float32
    )
    graph = build_graph(matrix, k=10, method="pynndescent", seed=3)
    graph.check()
    assert graph.method == "pynndescent"
    assert recall(matrix, graph, 10)["recall_at_10"] >= 0.97
    assert build_graph(matrix, k=10, method="pynndescent", seed=3).digest == graph.digest
    for module, name in COMPILED:
        folder = getattr(getattr(pynndescent, module), name).stats.cache_path
        assert list(Path(folder).glob(f"*.{name}-*.nbi")), f"{name} is kept for the next process"


@pytest.mark.slow
def test_our_nn_descent_is_as_good(tiny_model, rng):
    """Vectors between those of real pictures, so that there are enough of them."""
    own = tiny_model.embeddings
    pairs, part = rng.integers(len(own), size=(2, 4000)), rng.random((4000, 1), np.float32)
    matrix = part * own[pairs[0]] + (1 - part) * own[pairs[1]]
    ours, theirs = (build_graph(matrix, 10, method) for method in ("nn_descent", "pynndescent"))
    assert recall(matrix, ours, 10)["recall_at_10"] >= min(0.985, recall(matrix, theirs, 10)["recall_at_10"])
