"""Merging of a row's neighbours from all leaves it lies in."""

from __future__ import annotations

import numpy as np

from imgsim.io.vectors import Matrix
from imgsim.neighbors.exact import Ids
from imgsim.neighbors.partitioned.leaves import leaf_sizes
from imgsim.neighbors.partitioned.shards import Arrays, ShardRecord, Work


def merge(work: Work, index: int) -> ShardRecord:
    """Write the merged neighbours of one shard of rows: ``ids`` and ``distances`` (r, plan.width).

    Nearest first, ties by row position. Where a row's leaves hold fewer others, ids end in -1 at distance infinity.
    """
    return work.compute_once("merge", index, lambda: _merge(work, index))


def _merge(work: Work, index: int) -> Arrays:
    placed, before, width = work.read("leaves", index), leaf_sizes(work, index), work.plan.width
    count, copies = placed["leaves"].shape
    ids = np.full((count, copies, width), -1, np.int32)
    distances = np.full((count, copies, width), np.inf, np.float32)
    filled = np.zeros(count, np.int64)
    for leaf in np.flatnonzero(np.diff(placed["starts"])):
        first, last = placed["starts"][leaf : leaf + 2]
        rows = placed["rows"][first:last]
        built = work.read("leaf_graph", int(leaf))
        part = slice(before[leaf], before[leaf] + last - first)
        found = built["ids"].shape[1]
        ids[rows, filled[rows], :found] = built["ids"][part]
        distances[rows, filled[rows], :found] = built["distances"][part]
        filled[rows] += 1
    ids, distances = nearest_distinct(ids.reshape(count, -1), distances.reshape(count, -1), width)
    return {"distances": distances, "ids": ids}


def nearest_distinct(ids: Ids, distances: Matrix, k: int) -> tuple[Ids, Matrix]:
    """Select the ``k`` nearest distinct ids of each row of candidates, ties by id.

    Parameters
    ----------
    ids, distances : (m, c) int32, float32
        Candidates, -1 is none; an id that repeats in a row has equal distances.

    Returns
    -------
    ids, distances : (m, min(k, c))
        Nearest first; -1 at distance infinity where a row has fewer.
    """
    order = np.argsort(ids, axis=1, kind="stable")
    ids, distances = np.take_along_axis(ids, order, 1), np.take_along_axis(distances, order, 1)
    distances[:, 1:][ids[:, 1:] == ids[:, :-1]] = np.inf
    order = np.argsort(distances, axis=1, kind="stable")[:, :k]
    ids, distances = np.take_along_axis(ids, order, 1), np.take_along_axis(distances, order, 1)
    ids[np.isinf(distances)] = -1
    return ids, distances
