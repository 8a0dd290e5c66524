"""Parts of a cluster, and its typical pictures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imgsim import arguments
from imgsim.errors import ArgumentError
from imgsim.io.vectors import Matrix
from imgsim.neighbors.exact import exact_knn
from imgsim.neighbors.kmeans import kmeans

Rows = NDArray[np.int64]
_TRIES = 8


def split_cluster(matrix: Matrix, rows: Rows, parts: int = 2, seed: int = 0) -> list[Rows]:
    """Split rows into parts that lie close together, by k-means; the best of several beginnings counts.

    Parameters
    ----------
    matrix : (n, d) float32
        Embeddings of all images.
    rows : (m,) int64
        Of the cluster.
    parts : int
        At least 2.
    seed : int
        Equal seeds give equal parts.

    Returns
    -------
    list of (p,) int64
        The largest first, each in the order of ``rows``. Fewer than ``parts`` where so many do not differ.

    Raises
    ------
    ArgumentError
        ``parts`` is below 2.
    """
    if arguments.positive_int(parts, "parts") < 2:
        raise ArgumentError(f"parts must be at least 2, not {parts}.")
    vectors = np.ascontiguousarray(matrix[rows], np.float32)
    rng = np.random.default_rng(arguments.seed(seed))
    best, least = np.zeros(len(rows), np.int64), np.inf
    for _ in range(_TRIES if len(rows) else 0):
        centres = kmeans(vectors, parts, rng)
        nearest, distances = exact_knn(vectors, centres, 1)
        spread = float((distances.astype(np.float64) ** 2).sum())
        if spread < least:
            best, least = nearest[:, 0].astype(np.int64), spread
    found = [rows[best == part] for part in np.unique(best)]
    return sorted(found, key=lambda part: (-len(part), int(part[0])))


def typical_rows(matrix: Matrix, rows: Rows, count: int) -> Rows:
    """Return the ``count`` rows (fewer if there are not so many) that lie nearest to the middle of all, nearest first.

    Parameters
    ----------
    matrix : (n, d) float32
        Embeddings of all images.
    rows : (m,) int64
    count : int
    """
    vectors = matrix[rows].astype(np.float32)
    if not len(rows):
        return rows
    distance = np.linalg.norm(vectors - vectors.mean(axis=0, dtype=np.float64), axis=1)
    return rows[np.argsort(distance, kind="stable")[:count]]
