"""Approximate k-NN graph by NN-Descent (Dong, Charikar, Li 2011): lists from a few cells each, improved in rounds.

NN-Descent starts from random lists and lets each row try the neighbours of its neighbours, round by round. Here lists
start from an inverted file (`imgsim.neighbors.ivf`): each row is compared with the rows of its nearest cells, which
finds nearly all neighbours. A sample of rows that is searched exactly tells how many cells that takes, and when the
rounds can end.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from imgsim.io.vectors import Matrix, Rows
from imgsim.neighbors.exact import Ids, complete, exact_knn, rank
from imgsim.neighbors.faiss_calls import search_in_cells
from imgsim.neighbors.ivf import probes_for
from imgsim.neighbors.kmeans import fit_centroids, nearest_centroids
from imgsim.neighbors.partitioned.reverse import nearest_sources

TARGET = 0.988
"""Recall on the sample that is enough."""
SAMPLE = 1000
_START = 0.96
_CELLS_PER_ROOT = 3
_LEAST_PROBES, _MOST_PROBES = 2, 64
"""Cells that each row is compared with: rounds lead from one cell to another only where a row was in both."""
_MOST_ROUNDS, _LEAST_GAIN = 2, 0.001
_ROUND_ROWS = 1000
"""Rows that a row could be compared with in its cells at the cost of a round."""
_CELLS_BLOCK, _ROUND_BLOCK = 4096, 512
"""Rows whose candidates are held at once: from cells a few for each, in a round some hundred."""


def nn_descent_knn(matrix: Matrix, k: int, seed: int = 0) -> tuple[Ids, Matrix]:
    """Find approximately the k nearest other rows of every row, nearest first, ties by row.

    Parameters
    ----------
    matrix : (n, d) float32
        A copy of it is made.
    k : int
        1 <= k <= n - 1.
    seed : int
        Equal seeds give equal graphs, whatever the number of threads.

    Returns
    -------
    ids : (n, k) int32 row positions
    distances : (n, k) float32
        Exact euclidean distances to these rows.
    """
    n, rng = len(matrix), np.random.default_rng(seed)
    sample = np.sort(rng.choice(n, min(n, SAMPLE), replace=False))
    true, limit = exact_knn(matrix[sample], matrix, k, exclude=sample)
    if len(sample) == n:
        return true, limit
    ids, distances, rounds = _from_cells(matrix, k, sample, true, rng)
    reached = 0.0
    for _ in range(rounds):
        before, reached = reached, float((distances[sample, :k] <= limit[:, -1:]).mean())
        if reached >= TARGET or reached < before + _LEAST_GAIN:
            break
        ids, distances = _round(matrix, ids, distances, 3 * k // 2)
    return complete(matrix, ids[:, :k].copy(), distances[:, :k].copy())


def _from_cells(matrix: Matrix, k: int, sample: Rows, true: Ids, rng: np.random.Generator) -> tuple[Ids, Matrix, int]:
    """Search each row's nearest others in its nearest cells: ids and distances, and how many rounds may follow.

    The cells reach the target alone where more of them cost less than rounds; else there are fewer cells, and the
    lists are longer, since rounds follow.
    """
    n = len(matrix)
    centroids = fit_centroids(matrix, max(1, round(_CELLS_PER_ROOT * n**0.5)), rng)
    near = nearest_centroids(matrix[sample], centroids, _MOST_PROBES)
    of_true = nearest_centroids(matrix[true.ravel()], centroids, 1).reshape(true.shape)
    enough = probes_for(TARGET, near, of_true)
    start = min(enough, max(_LEAST_PROBES, probes_for(_START, near, of_true)))
    alone = enough <= near.shape[1] and (enough - start) * n <= 2 * _ROUND_ROWS * len(centroids)
    probes, width, rounds = (enough, k, 0) if alone else (start, min(2 * k, n - 1), _MOST_ROUNDS)
    search = search_in_cells(matrix, centroids, nearest_centroids(matrix, centroids, probes), width + 1)
    return *_ranked(matrix, width, search, _CELLS_BLOCK), rounds


def _round(matrix: Matrix, ids: Ids, distances: Matrix, count: int) -> tuple[Ids, Matrix]:
    """Compare each row with the neighbours of its ``count`` nearest, and of the nearest rows that list it."""
    n, listed = len(ids), ids[:, :count]
    real = listed.ravel() >= 0
    sources = np.repeat(np.arange(n, dtype=np.int32), listed.shape[1])[real]
    source, target, _ = nearest_sources(sources, listed.ravel()[real], distances[:, :count].ravel()[real], count)
    backward = np.full((n, count), -1, np.int32)
    backward[target, np.arange(len(target)) - np.searchsorted(target, target)] = source

    def candidates(rows: Rows) -> Ids:
        near = np.concatenate([listed[rows], backward[rows]], axis=1)
        beyond = np.where(near[:, :, None] < 0, -1, listed[near]).reshape(len(rows), -1)
        return np.concatenate([ids[rows], backward[rows], beyond], axis=1)

    return _ranked(matrix, ids.shape[1], candidates, _ROUND_BLOCK)


def _ranked(
    matrix: Matrix, width: int, candidates: Callable[[Rows], NDArray[np.integer]], block: int
) -> tuple[Ids, Matrix]:
    """Rank the candidates of all rows, block by block; ids and distances (n, width)."""
    ids, distances = np.empty((len(matrix), width), np.int32), np.empty((len(matrix), width), np.float32)
    for start in range(0, len(matrix), block):
        rows = np.arange(start, min(len(matrix), start + block))
        ids[rows], distances[rows] = rank(matrix[rows], matrix, candidates(rows), width, rows)
    return ids, distances
