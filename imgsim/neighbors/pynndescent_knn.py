"""Approximate k-NN graph by pynndescent, a reference for `imgsim.neighbors.nndescent`; the only file to import it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imgsim.neighbors.compiling import prepare_numba
from imgsim.neighbors.exact import complete, rank

Matrix = NDArray[np.float32]
EXTRA = 15
"""Neighbours searched for beyond k; `EXTRA_LARGE` above `LARGE` rows."""
EXTRA_LARGE = 25
LARGE = 100_000
COMPILED = (
    ("utils", "build_candidates_owner"),
    ("utils", "sort_updates_by_block"),
    ("utils", "apply_sorted_graph_update_array"),
    ("utils", "deheap_sort"),
    ("kernels", "generate_graph_update_array_batched"),
)
"""Functions of pynndescent that are slow to compile and can be cached: those with a distance as argument cannot."""


def pynndescent_knn(matrix: Matrix, k: int, seed: int = 0, jobs: int | None = None) -> tuple[NDArray[np.int32], Matrix]:
    """Find approximately the k nearest other rows of every row, nearest first.

    Parameters
    ----------
    matrix : (n, d) float32
    k : int
        1 <= k <= n - 1. More neighbours are searched for than kept (k + 15, k + 25 above 100,000
        rows), which raises recall at the least cost. On Caltech-101 (9,144 x 128) k + 10, 15, 20 give recall@10
        .984, .993, .996 in 0.41, 0.50, 0.67 CPU-s.
    seed : int
        Equal seeds give equal graphs.
    jobs : int, optional
        Threads; all cores by default.

    Returns
    -------
    ids : (n, k) int32 row positions
    distances : (n, k) float32, recomputed from differences (equal vectors are at exactly 0)

    Notes
    -----
    Compiling before the first graph takes 46 CPU-seconds on a busy machine, 18 of them again in each further process
    (see `COMPILED`).
    """
    prepare_numba()
    from pynndescent import NNDescent

    _cache_compiled()
    n = len(matrix)
    wanted = min(n, k + 1 + (EXTRA_LARGE if n > LARGE else EXTRA))
    index = NNDescent(
        np.ascontiguousarray(matrix),
        metric="euclidean",
        n_neighbors=wanted,
        random_state=seed,
        n_jobs=jobs,
        compressed=False,
    )
    found = np.asarray(index.neighbor_graph[0], np.int64)
    return complete(matrix, *rank(matrix, matrix, found, k, np.arange(n)))


def _cache_compiled() -> None:
    """Let numba cache on disk what pynndescent would compile in each process; other versions may lack a function."""
    import pynndescent

    for module, name in COMPILED:
        function = getattr(getattr(pynndescent, module, None), name, None)
        if function is not None and not function.signatures:  # not compiled yet
            function.enable_caching()
