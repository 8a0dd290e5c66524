"""Exact k-nearest-neighbour and radius search, euclidean distance.

Candidates come from float32 matrix products (``|a|^2 + |b|^2 - 2ab``) in faiss, whose rounding would make the distance
of a picture to itself 1e-4 instead of 0. So the final distances are computed from differences, and every row whose
product lies within the rounding bound of the k-th is a candidate: ids and distances do not depend on number of queries
or threads.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imgsim.io.vectors import Matrix, Rows
from imgsim.neighbors.faiss_calls import Mask, nearest_products, products_within, squared_distances

Ids = NDArray[np.int32]

BLOCK_BYTES = 32 << 20
_MARGIN = 6
_GROWTH = 8
_LONGEST_RADIUS = 1e15


def exact_knn(
    queries: Matrix,
    references: Matrix,
    k: int,
    exclude: Rows | None = None,
    longest: float | None = None,
    among: Mask | None = None,
) -> tuple[Ids, Matrix]:
    """Find the ``k`` nearest references of each query by euclidean distance, nearest first, ties by row.

    Parameters
    ----------
    queries : (m, d) float32
    references : (n, d) float32
    k : int
        0 <= k <= n, or n - 1 with ``exclude``, or the number of rows ``among``.
    exclude : (m,) int, optional
        Per query one reference row to leave out, usually the query itself.
    longest : float, optional
        `longest_squared` of the references, computed here if not given.
    among : (n,) bool, optional
        Only these references can be found. Not together with ``exclude``.

    Returns
    -------
    ids : (m, k) int32 row positions
    distances : (m, k) float32
    """
    ids, distances = np.empty((len(queries), k), np.int32), np.empty((len(queries), k), np.float32)
    if k == 0:
        return ids, distances
    bound = error_bound(queries, longest_squared(references) if longest is None else longest)
    possible = len(references) if among is None else int(np.count_nonzero(among))
    waiting, count = np.arange(len(queries)), k + _MARGIN
    while len(waiting):
        count, unsure = min(count, possible), [waiting[:0]]
        for rows in _blocks(waiting, 16 * count):
            squared, columns = nearest_products(queries[rows], references, count, among)
            left_out = None if exclude is None else exclude[rows]
            if count < possible:
                unsure.append(rows[_may_lack(squared, columns, k, 2 * bound[rows], left_out)])
            ids[rows], distances[rows] = rank(queries[rows], references, columns, k, left_out)
        waiting, count = np.concatenate(unsure), count * _GROWTH  # rows with many near-ties: ask for more of them
    return ids, distances


def _blocks(rows: Rows, row_bytes: int) -> list[Rows]:
    """Cut rows so that arrays with ``row_bytes`` a row stay below `BLOCK_BYTES`."""
    step = max(1, BLOCK_BYTES // max(1, row_bytes))
    return [rows[start : start + step] for start in range(0, len(rows), step)]


def _may_lack(squared: Matrix, columns: Rows, k: int, slack: Matrix, exclude: Rows | None) -> Mask:
    """Return for each row whether more columns could lie within ``slack`` of its k-th, (m,)."""
    last = squared[:, -1]
    if exclude is not None:
        squared = np.where(columns == exclude[:, None], np.inf, squared)
    return last <= np.partition(squared, k - 1, axis=1)[:, k - 1] + slack


def radius_search(
    queries: Matrix,
    references: Matrix,
    radius: float,
    exclude: Rows | None = None,
    longest: float | None = None,
    among: Mask | None = None,
) -> tuple[Rows, Ids, Matrix]:
    """Find all references at euclidean distance <= ``radius`` of each query; arguments as in `exact_knn`.

    Returns
    -------
    rows, ids, distances : (e,) arrays
        One entry per pair, by query row, then distance, then reference row.
    """
    bound = error_bound(queries, longest_squared(references) if longest is None else longest)
    squared = min(radius, _LONGEST_RADIUS) ** 2 + float(bound.max(initial=0))
    found = [(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))]
    for rows in _blocks(np.arange(len(queries)), 4 * len(references)):
        row, column = products_within(queries[rows], references, squared, among)
        row = rows[row]
        exact = np.concatenate(
            [np.empty(0, np.float32)]
            + [
                true_distances(queries[row[part]], references, column[part, None])[:, 0]
                for part in _blocks(np.arange(len(row)), 4 * queries.shape[1])
            ]
        )
        keep = exact <= radius
        if exclude is not None:
            keep &= column != exclude[row]
        found.append((row[keep], column[keep], exact[keep]))
    row, column, exact = (np.concatenate(parts) for parts in zip(*found, strict=True))
    order = np.lexsort((column, exact, row))
    return row[order], column[order].astype(np.int32), exact[order]


def longest_squared(matrix: Matrix) -> float:
    """Return the largest squared length of a row of (n, d); 0 without rows."""
    return float(np.einsum("nd,nd->n", matrix, matrix).max(initial=0))


def error_bound(rows: Matrix, longest: float) -> Matrix:
    """Bound the rounding error of products per row, (m,): d + 3 roundings of terms of at most these sizes."""
    size = np.einsum("nd,nd->n", rows, rows) + np.float32(longest)
    return np.asarray((rows.shape[1] + 8) * np.float32(2**-23) * size, np.float32)


def true_distances(rows: Matrix, references: Matrix, candidates: NDArray[np.integer]) -> Matrix:
    """Compute euclidean distances of rows (m, d) to their candidates (m, c) from differences; infinite to -1.

    Equal vectors are at exactly 0.
    """
    squared = squared_distances(rows, references, candidates)
    return np.sqrt(squared, out=squared)


def rank(
    rows: Matrix,
    references: Matrix,
    candidates: NDArray[np.integer],
    k: int,
    exclude: NDArray[np.integer] | None = None,
) -> tuple[Ids, Matrix]:
    """Rank each row's candidates (m, c) by exact distance and keep the ``k`` nearest, ties by row position.

    Parameters
    ----------
    rows : (m, d) float32
    references : (n, d) float32
    candidates : (m, c) int
        Rows of ``references``; -1 is none, and repetitions count once.
    k : int
        At most c.
    exclude : (m,) int, optional
        Per row one candidate that does not count.

    Returns
    -------
    ids : (m, k) int32
    distances : (m, k) float32
        Ids end in -1 at distance infinity where a row has fewer candidates.
    """
    once = np.sort(candidates, axis=1)
    once[:, 1:][once[:, 1:] == once[:, :-1]] = -1
    if exclude is not None:
        once[once == exclude[:, None]] = -1
    return nearest_first(once, true_distances(rows, references, once), k)


def complete(matrix: Matrix, ids: Ids, distances: Matrix) -> tuple[Ids, Matrix]:
    """Search exactly for the neighbours of those rows of ``matrix`` whose lists (n, k) end in -1, in place."""
    short = np.flatnonzero(ids[:, -1] < 0)
    if len(short):
        ids[short], distances[short] = exact_knn(matrix[short], matrix, ids.shape[1], exclude=short)
    return ids, distances


def nearest_first(ids: NDArray[np.integer], distances: Matrix, k: int) -> tuple[Ids, Matrix]:
    """Select the ``k`` nearest of each row of ids (m, c), nearest first, ties by id; at infinity they become -1."""
    # a distance and an id as one number: positive floats are in the order of their bits
    keys = np.ascontiguousarray(distances, np.float32).view(np.int32).astype(np.int64) << 32
    keys |= ids & 0x7FFF_FFFF
    if k < keys.shape[1]:
        keys = np.partition(keys, k - 1, axis=1)[:, :k]
    keys.sort(axis=1)
    nearest = (keys >> 32).astype(np.int32).view(np.float32)
    return np.where(np.isinf(nearest), -1, keys & 0x7FFF_FFFF).astype(np.int32), nearest


def nearest_distinct(ids: Ids, distances: Matrix, k: int) -> tuple[Ids, Matrix]:
    """Select the ``k`` nearest distinct ids of each row, or fewer where there are fewer columns; as `nearest_first`.

    Parameters
    ----------
    ids, distances : (m, c) int32, float32
        Candidates, -1 is none; an id that repeats in a row has equal distances.
    """
    order = np.argsort(ids, axis=1, kind="stable")
    ids, distances = np.take_along_axis(ids, order, 1), np.take_along_axis(distances, order, 1)
    distances[:, 1:][ids[:, 1:] == ids[:, :-1]] = np.inf
    return nearest_first(ids, distances, k)
