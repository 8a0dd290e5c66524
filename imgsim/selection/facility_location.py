"""Facility location: rows that all other rows are near to, chosen greedily."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imgsim.io.vectors import Matrix, Rows
from imgsim.neighbors.exact import BLOCK_BYTES

Values = NDArray[np.float64]

GROUND = 4096
"""Rows, evenly drawn, that stand for all where there are more of them."""


def choose(matrix: Matrix, count: int, seed: int = 0) -> Rows:
    """Choose rows so that the mean distance of all rows to the nearest chosen one is small.

    The first is the row nearest to the mean. Each further one is the row that lowers the mean distance most. This
    greedy choice is within 1 - 1/e of the best gain (Nemhauser, Wolsey, Fisher 1978). A chosen row changes the gains
    only by the rows that it is now the nearest to, so all gains stay known at little cost. Farthest-first traversal
    (Gonzalez 1985), which active learning by core-sets starts from (Sener and Savarese 2018), bounds the largest
    distance instead, and chooses outliers.

    Parameters
    ----------
    matrix : (n, d) float32
    count : int
        1 <= count <= n.
    seed : int
        Of the rows that stand for all, where there are more than `GROUND`.

    Returns
    -------
    (count,) int64
        Rows, the most important first: the first m of them are the choice of m. Ties by row.
    """
    drawn = np.random.default_rng(seed).permutation(len(matrix))[:GROUND]
    ground = matrix[np.sort(drawn)]
    mean = matrix.mean(axis=0, dtype=np.float64).astype(np.float32)
    first = int(_distances(mean[None], matrix)[0].argmin())
    chosen, nearest = [first], _distances(matrix[[first]], ground)[0]
    gains = _saved(matrix, ground, nearest, np.zeros_like(nearest))
    gains[first] = -np.inf
    while len(chosen) < count:
        best = int(gains.argmax())
        now = np.minimum(nearest, _distances(matrix[[best]], ground)[0])
        nearer = np.flatnonzero(now < nearest)
        gains -= _saved(matrix, ground[nearer], nearest[nearer], now[nearer])
        gains[best] = -np.inf
        nearest = now
        chosen.append(best)
    return np.array(chosen, np.int64)


def _saved(matrix: Matrix, ground: Matrix, before: Matrix, after: Matrix) -> Values:
    """Return what each row (n,) would save of the distances ``before`` (g,) and no longer does of those ``after``."""
    saved = np.zeros(len(matrix))
    step = max(1, BLOCK_BYTES // (4 * max(1, len(ground))))
    for start in range(0, len(matrix) if len(ground) else 0, step):
        distances = _distances(matrix[start : start + step], ground)
        np.maximum(distances, after, out=distances)
        np.subtract(before, distances, out=distances)
        saved[start : start + step] = np.maximum(distances, 0, out=distances).sum(axis=1, dtype=np.float64)
    return saved


def _distances(queries: Matrix, references: Matrix) -> Matrix:
    """Compute euclidean distances by products, (m, n): good to rank by, and not exact."""
    squares = (np.einsum("nd,nd->n", part, part) for part in (queries, references))
    first, second = squares
    squared = first[:, None] + second - 2 * (queries @ references.T)
    return np.asarray(np.sqrt(np.maximum(squared, 0, out=squared), out=squared))
