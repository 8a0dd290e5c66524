"""Exact k-nearest-neighbour and radius search by blocked matrix products, euclidean distance.

Candidates come from float32 matrix products (``|a|^2 + |b|^2 - 2ab``), whose rounding would make the
distance of a picture to itself 1e-4 instead of 0. So the final distances are computed from
differences, and every row whose product lies within the rounding bound of the k-th is a candidate:
ids and distances do not depend on block size, number of queries or threads.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
Ids = NDArray[np.int32]
Smallest = Callable[[Matrix, int], NDArray[np.int64]]
Ranked = Callable[[Matrix, Matrix, NDArray[np.int64], int, NDArray[np.int64] | None], tuple[Ids, Matrix]]

BLOCK_BYTES = 32 << 20
_GROUPS = 32
_MARGIN = 6


def exact_knn(
    queries: Matrix,
    references: Matrix,
    k: int,
    exclude: NDArray[np.int64] | None = None,
    norms: Matrix | None = None,
    smallest: Smallest | None = None,
    ranked: Ranked | None = None,
    among: NDArray[np.bool_] | None = None,
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
    norms : (n,) float32, optional
        `squared_norms` of the references, computed here if not given.
    smallest : function, optional
        Compiled replacement of the selection step: (m, n) values and c to the columns (m, c) of the c smallest of
        each row, in any order.
    ranked : function, optional
        Compiled replacement of `rank`.
    among : (n,) bool, optional
        Only these references can be found. Not together with ``exclude`` or ``ranked``.

    Returns
    -------
    ids : (m, k) int32 row positions
    distances : (m, k) float32
    """
    m, n = len(queries), len(references)
    ids, distances = np.empty((m, k), np.int32), np.empty((m, k), np.float32)
    if k == 0:
        return ids, distances
    norms = squared_norms(references) if norms is None else norms
    block = max(1, min(m, BLOCK_BYTES // (4 * n)))
    buffer = np.empty((block, n), np.float32)
    for start in range(0, m, block):
        rows = queries[start : start + block]
        d2 = approximate(rows, references, norms, buffer[: len(rows)])
        left_out = None if exclude is None else exclude[start : start + block]
        if left_out is not None:
            d2[np.arange(len(rows)), left_out] = np.inf
        if among is not None:
            d2[:, ~among] = np.inf
        candidates = _candidates(d2, k, error_bound(rows, norms), smallest or _smallest)
        if ranked is not None:
            found = ranked(rows, references, candidates, k, left_out)
        else:
            found = rank(rows, references, candidates, k, left_out, among)
        ids[start : start + block], distances[start : start + block] = found
    return ids, distances


def radius_search(
    queries: Matrix,
    references: Matrix,
    radius: float,
    exclude: NDArray[np.int64] | None = None,
    norms: Matrix | None = None,
    among: NDArray[np.bool_] | None = None,
) -> tuple[NDArray[np.int64], Ids, Matrix]:
    """Find all references at euclidean distance <= ``radius`` of each query; arguments as in `exact_knn`.

    Returns
    -------
    rows, ids, distances : (e,) arrays
        One entry per pair, by query row, then distance, then reference row.
    """
    norms = squared_norms(references) if norms is None else norms
    block = max(1, min(len(queries), BLOCK_BYTES // (4 * len(references))))
    found: list[tuple[NDArray[np.int64], NDArray[np.int64], Matrix]] = []
    for start in range(0, len(queries), block):
        rows = queries[start : start + block]
        d2 = approximate(rows, references, norms, np.empty((len(rows), len(references)), np.float32))
        near = d2 <= (np.float64(min(radius, 1e15)) ** 2 + error_bound(rows, norms))[:, None]
        if exclude is not None:
            near[np.arange(len(rows)), exclude[start : start + block]] = False
        if among is not None:
            near &= among
        row, column = np.nonzero(near)
        exact = _pair_distances(rows, references, row, column)
        keep = exact <= radius
        found.append((row[keep] + start, column[keep], exact[keep]))
    row, column, exact = (np.concatenate(parts) for parts in zip(*found, strict=True))
    order = np.lexsort((column, exact, row))
    return row[order], column[order].astype(np.int32), exact[order]


def _pair_distances(rows: Matrix, references: Matrix, row: NDArray[np.int64], column: NDArray[np.int64]) -> Matrix:
    out = np.empty(len(row), np.float32)
    step = max(1, BLOCK_BYTES // (4 * rows.shape[1]))
    for start in range(0, len(row), step):
        part = slice(start, start + step)
        out[part] = true_distances(rows[row[part]], references, column[part, None])[:, 0]
    return out


def squared_norms(matrix: Matrix) -> Matrix:
    """Return the squared length of each row: (n, d) to (n,)."""
    norms: Matrix = np.einsum("nd,nd->n", matrix, matrix)
    return norms


def approximate(rows: Matrix, references: Matrix, norms: Matrix, out: Matrix) -> Matrix:
    """Write squared distances by matrix product into ``out`` (m, n), exact to within `error_bound`."""
    np.matmul(rows, references.T, out=out)
    out *= -2
    out += norms
    out += squared_norms(rows)[:, None]
    return out


def error_bound(rows: Matrix, norms: Matrix) -> Matrix:
    """Bound the rounding error of `approximate` per row, (m,): d + 3 roundings of terms of at most these sizes."""
    size = squared_norms(rows) + (norms.max() if len(norms) else np.float32(0))
    return np.asarray((rows.shape[1] + 8) * np.float32(2**-23) * size, np.float32)


def true_distances(rows: Matrix, references: Matrix, candidates: NDArray[np.integer]) -> Matrix:
    """Compute euclidean distances of rows (m, d) to their candidates (m, c) from differences.

    Equal vectors are at exactly 0.
    """
    out = np.empty(candidates.shape, np.float32)
    step = max(1, BLOCK_BYTES // (8 * max(1, candidates.shape[1] * rows.shape[1])))
    for start in range(0, len(rows), step):
        difference = references[candidates[start : start + step]] - rows[start : start + step, None]
        squares = np.einsum("mcd,mcd->mc", difference, difference, dtype=np.float32)
        out[start : start + step] = np.sqrt(squares)
    return out


def _candidates(d2: Matrix, k: int, bound: Matrix, smallest: Smallest) -> NDArray[np.int64]:
    """Select columns (m, c) with the k smallest of each row and all within the rounding error of the k-th."""
    n = d2.shape[1]
    want = min(n, k + _MARGIN)
    columns = smallest(d2, want)
    values = np.take_along_axis(d2, columns, axis=1)
    if want == n:
        return columns
    kth = np.partition(values, k - 1, axis=1)[:, k - 1]
    limit = kth + 2 * bound
    if (values.max(axis=1) > limit).all():
        return columns
    counts = (d2 <= limit[:, None]).sum(axis=1)  # rows with many near-ties: take all of them
    return smallest(d2, int(max(want, counts.max())))


def _smallest(d2: Matrix, c: int) -> NDArray[np.int64]:
    """Select the columns of the c smallest values of each row, unordered.

    The c smallest lie in the c groups of columns with the smallest minima, and group minima cost one
    vectorised pass: 3 times less than selecting from whole rows.
    """
    m, n = d2.shape
    groups = n // _GROUPS
    if groups < 4 * c:
        return np.argpartition(d2, c - 1, axis=1)[:, :c] if c < n else np.tile(np.arange(n), (m, 1))
    even = groups * _GROUPS
    minima = d2[:, :even].reshape(m, _GROUPS, groups).min(axis=1)
    chosen = np.argpartition(minima, c - 1, axis=1)[:, :c]
    inside = (chosen[:, :, None] + np.arange(_GROUPS) * groups).reshape(m, -1)
    tail = np.broadcast_to(np.arange(even, n), (m, n - even))
    columns = np.concatenate([inside, tail], axis=1)
    best = np.argpartition(np.take_along_axis(d2, columns, axis=1), c - 1, axis=1)[:, :c]
    return np.take_along_axis(columns, best, axis=1)


def rank(
    rows: Matrix,
    references: Matrix,
    candidates: NDArray[np.int64],
    k: int,
    exclude: NDArray[np.int64] | None = None,
    among: NDArray[np.bool_] | None = None,
) -> tuple[Ids, Matrix]:
    """Rank each row's distinct candidates (m, c) by exact distance and keep the ``k`` nearest, ties by row position.

    Returns
    -------
    ids : (m, k) int32
    distances : (m, k) float32
    """
    candidates = np.sort(candidates, axis=1)
    exact = true_distances(rows, references, candidates)
    if exclude is not None:
        exact[candidates == exclude[:, None]] = np.inf
    if among is not None:
        exact[~among[candidates]] = np.inf
    order = np.argsort(exact, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(candidates, order, 1).astype(np.int32), np.take_along_axis(exact, order, 1)
