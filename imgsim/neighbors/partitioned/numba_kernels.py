"""Inner loops of the graph build, compiled by numba and cached on disk; imported late, by `load_kernels`."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from imgsim.io.vectors import Matrix, Rows
from imgsim.neighbors.exact import Ids


@njit(cache=True, nogil=True)
def update_nearest(vectors: Matrix, rows: Rows, ids: Ids, distances: Matrix, candidates: Ids, k: int) -> None:
    """Insert nearer candidates into sorted neighbour lists, in place.

    Parameters
    ----------
    vectors : (n, d) float32
    rows : (m,) int64
        Position in ``vectors`` of the row that list i belongs to.
    ids, distances : (m, w) int32, float32
        Neighbours of each row and their squared distances, nearest first; changed in place.
    candidates : (m, c) int32
        Rows to try; -1 is none, repetitions are tried once.
    k : int
        A candidate farther than the ``k``-th neighbour is not inserted.
    """
    slots = 1
    while slots < 2 * (ids.shape[1] + candidates.shape[1]):
        slots *= 2
    table = np.empty(slots, np.int32)
    for i in range(len(ids)):
        row = rows[i]
        table[:] = -1
        _add_seen(table, row)
        for j in range(ids.shape[1]):
            if ids[i, j] >= 0:
                _add_seen(table, ids[i, j])
        for c in range(candidates.shape[1]):
            candidate = candidates[i, c]
            if candidate < 0 or _add_seen(table, candidate):
                continue
            worst = distances[i, k - 1]
            total = _squared(vectors[row], vectors[candidate])
            if total <= worst:
                _insert(ids[i], distances[i], candidate, total)


@njit(cache=True, nogil=True)
def smallest(values: Matrix, c: int) -> NDArray[np.int64]:
    """Find the columns (m, c) of the c smallest values of each row of (m, n), smallest first, ties by column."""
    columns = np.empty((len(values), c), np.int64)
    kept = np.empty(c, np.float32)
    for i in range(len(values)):
        row = values[i]
        filled = 0
        for j in range(len(row)):
            value = row[j]
            if filled == c and value >= kept[c - 1]:
                continue
            filled = min(c, filled + 1)
            at = filled - 1
            while at > 0 and kept[at - 1] > value:
                kept[at] = kept[at - 1]
                columns[i, at] = columns[i, at - 1]
                at -= 1
            kept[at] = value
            columns[i, at] = j
    return columns


@njit(cache=True, nogil=True)
def rank(
    rows: Matrix, references: Matrix, candidates: NDArray[np.int64], k: int, exclude: NDArray[np.int64]
) -> tuple[Ids, Matrix]:
    """Rank candidates as `imgsim.neighbors.exact.rank` does, to within the rounding of a sum in another order."""
    ids = np.full((len(rows), k), -1, np.int32)
    distances = np.full((len(rows), k), np.inf, np.float32)
    for i in range(len(rows)):
        for c in range(candidates.shape[1]):
            candidate = candidates[i, c]
            if candidate != exclude[i]:
                _insert(ids[i], distances[i], candidate, _squared(rows[i], references[candidate]))
    return ids, np.sqrt(distances)


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _squared(one: Matrix, other: Matrix) -> np.float32:
    """Sum squared differences; reassociation lets the compiler use SIMD lanes."""
    total = np.float32(0)
    for d in range(len(one)):
        difference = one[d] - other[d]
        total += difference * difference
    return total


@njit(cache=True, nogil=True)
def _add_seen(table: Ids, value: int) -> bool:
    """Add a value to an open-addressing hash table; return True if it was there before."""
    slot = (value * 40503) & (len(table) - 1)
    while table[slot] != -1:
        if table[slot] == value:
            return True
        slot = (slot + 1) & (len(table) - 1)
    table[slot] = value
    return False


@njit(cache=True, nogil=True)
def _insert(ids: Ids, distances: Matrix, candidate: int, distance: np.float32) -> None:
    """Insert a candidate into a list sorted by distance, then id; the last entry is dropped."""
    last = len(ids) - 1
    if distance > distances[last] or (distance == distances[last] and candidate > ids[last] and ids[last] >= 0):
        return
    while last > 0:
        before = distances[last - 1]
        if before < distance or (before == distance and ids[last - 1] < candidate):
            break
        ids[last] = ids[last - 1]
        distances[last] = before
        last -= 1
    ids[last] = candidate
    distances[last] = distance
