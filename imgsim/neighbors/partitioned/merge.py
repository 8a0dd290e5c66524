"""Edges of all leaves to one list per row."""

from __future__ import annotations

import numpy as np

from imgsim.io.vectors import Matrix
from imgsim.neighbors.exact import Ids
from imgsim.neighbors.partitioned.place import leaf_sizes
from imgsim.neighbors.partitioned.shards import Arrays, Note, Work


def merge(work: Work, index: int) -> Note:
    """Shard of ``ids`` and ``distances`` (r, plan.wide), nearest first, ties by position.

    Where a row's leaves are small, ids end in -1 at distance infinity.
    """
    return work.keep("merge", index, lambda: _merged(work, index))


def _merged(work: Work, index: int) -> Arrays:
    placed, before, wide = work.read("place", index), leaf_sizes(work, index), work.plan.wide
    count, copies = placed["leaves"].shape
    ids = np.full((count, copies, wide), -1, np.int32)
    distances = np.full((count, copies, wide), np.inf, np.float32)
    filled = np.zeros(count, np.int64)
    for leaf in np.flatnonzero(np.diff(placed["starts"])):
        first, last = placed["starts"][leaf : leaf + 2]
        rows = placed["rows"][first:last]
        built = work.read("build", int(leaf))
        part = slice(before[leaf], before[leaf] + last - first)
        width = built["ids"].shape[1]
        ids[rows, filled[rows], :width] = built["ids"][part]
        distances[rows, filled[rows], :width] = built["distances"][part]
        filled[rows] += 1
    ids, distances = nearest(ids.reshape(count, -1), distances.reshape(count, -1), wide)
    return {"distances": distances, "ids": ids}


def nearest(ids: Ids, distances: Matrix, k: int) -> tuple[Ids, Matrix]:
    """The ``k`` nearest distinct ids of each row of (m, c) candidates, ties by id; -1 at infinity where fewer."""
    order = np.argsort(ids, axis=1, kind="stable")
    ids, distances = np.take_along_axis(ids, order, 1), np.take_along_axis(distances, order, 1)
    distances[:, 1:][ids[:, 1:] == ids[:, :-1]] = np.inf
    order = np.argsort(distances, axis=1, kind="stable")[:, :k]
    ids, distances = np.take_along_axis(ids, order, 1), np.take_along_axis(distances, order, 1)
    ids[np.isinf(distances)] = -1
    return ids, distances
