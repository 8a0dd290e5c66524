"""The inner loop of refinement, compiled by numba and cached on disk; import this module when it is needed only."""

from __future__ import annotations

import numpy as np
from numba import njit

from imgsim.partitioned.merge import Ids
from imgsim.vectors import Matrix


@njit(cache=True, nogil=True)
def nearest_of(vectors: Matrix, start: int, ids: Ids, distances: Matrix, candidates: Ids, k: int) -> None:
    """Put into ``ids`` and ``distances`` (m, w), nearest first, what is nearer among ``candidates`` (m, c).

    Row i of them belongs to ``vectors[start + i]``; -1 is no candidate, repetitions are looked at once. Distances
    are squared here. A candidate must beat the ``k``-th to be worth its whole sum, but places up to w are filled.
    """
    slots = 1
    while slots < 2 * (ids.shape[1] + candidates.shape[1]):
        slots *= 2
    table = np.empty(slots, np.int32)
    for i in range(len(ids)):
        row = start + i
        table[:] = -1
        _seen(table, row)
        for j in range(ids.shape[1]):
            if ids[i, j] >= 0:
                _seen(table, ids[i, j])
        for c in range(candidates.shape[1]):
            candidate = candidates[i, c]
            if candidate < 0 or _seen(table, candidate):
                continue
            worst = distances[i, k - 1]
            total = np.float32(0)
            d = 0
            while d < vectors.shape[1] and total <= worst:
                end = min(d + 32, vectors.shape[1])
                part = np.float32(0)
                for e in range(d, end):
                    difference = vectors[row, e] - vectors[candidate, e]
                    part += difference * difference
                total += part
                d = end
            if total <= worst:
                _insert(ids[i], distances[i], candidate, total)


@njit(cache=True, nogil=True)
def _seen(table: Ids, value: int) -> bool:
    """Whether the value is in the open-addressing table; afterwards it is."""
    slot = (value * 40503) & (len(table) - 1)
    while table[slot] != -1:
        if table[slot] == value:
            return True
        slot = (slot + 1) & (len(table) - 1)
    table[slot] = value
    return False


@njit(cache=True, nogil=True)
def _insert(ids: Ids, distances: Matrix, candidate: int, distance: np.float32) -> None:
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
