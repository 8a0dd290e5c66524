"""K-means: centroids of a sample, and the centroids nearest to each row; the same bits whatever BLAS and threads."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imgsim.io.vectors import BLOCK_ROWS, Matrix
from imgsim.neighbors.exact import Ids, exact_knn, longest_squared

SAMPLE_PER_CENTROID = 32
ITERATIONS = 6


def kmeans(rows: Matrix, count: int, rng: np.random.Generator, iterations: int = ITERATIONS) -> Matrix:
    """Find at most ``count`` centroids of (m, d) rows by Lloyd's k-means.

    Cells that run empty are dropped and equal centroids are kept once.

    Returns
    -------
    (p, d) float32
        1 <= p <= count, in lexicographic order.
    """
    found: Matrix = np.unique(rows[rng.choice(len(rows), min(count, len(rows)), replace=False)], axis=0)
    before: NDArray[np.int32] | None = None
    for _ in range(iterations):
        nearest = nearest_centroids(rows, found, 1)[:, 0]
        if before is not None and np.array_equal(nearest, before):
            break
        before = nearest
        order = np.argsort(nearest, kind="stable")
        starts = np.flatnonzero(np.diff(nearest[order], prepend=-1))
        sums = np.add.reduceat(rows[order].astype(np.float64), starts, axis=0)
        counts = np.diff(starts, append=len(rows))
        found = np.unique((sums / counts[:, None]).astype(np.float32), axis=0)
    return found


def fit_centroids(
    matrix: Matrix, count: int, rng: np.random.Generator, rows: NDArray[np.int64] | None = None
) -> Matrix:
    """Find at most ``count`` centroids of (n, d) vectors, or of some ``rows`` of them, by k-means on a sample."""
    among = np.arange(len(matrix)) if rows is None else rows
    sampled = np.sort(rng.choice(len(among), min(len(among), count * SAMPLE_PER_CENTROID), replace=False))
    return kmeans(np.ascontiguousarray(matrix[among[sampled]]), count, rng)


def nearest_centroids(matrix: Matrix, centroids: Matrix, count: int) -> Ids:
    """Find the ``count`` nearest centroids of each of (n, d) vectors, or all, nearest first; block by block."""
    longest, count = longest_squared(centroids), min(count, len(centroids))
    blocks = [matrix[start : start + BLOCK_ROWS] for start in range(0, len(matrix), BLOCK_ROWS)]
    return np.concatenate([exact_knn(block, centroids, count, longest=longest)[0] for block in blocks])
