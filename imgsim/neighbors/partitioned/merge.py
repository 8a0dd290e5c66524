"""Merging of a row's neighbours from all leaves it lies in."""

from __future__ import annotations

import numpy as np

from imgsim.neighbors.exact import nearest_distinct
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
