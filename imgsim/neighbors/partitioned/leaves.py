"""Leaves: the partitions that are searched, none above the cap, and the rows in each of them.

A leaf is a cell of the centroids, or a piece of a cell that `imgsim.neighbors.partitioned.split` divided.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imgsim.neighbors.partitioned.shards import Arrays, ShardRecord, Work
from imgsim.neighbors.partitioned.split import cell_counts


def leaf_sizes(work: Work, shard: int | None = None) -> NDArray[np.int64]:
    """Count the rows of each leaf, (leaves,): all rows, or only those in the shards before ``shard``."""
    shards = work.plan.shards if shard is None else shard
    leaf_count = len(work.read("leaves", 0)["starts"]) - 1
    sizes = np.zeros(leaf_count, np.int64)
    for before in range(shards):
        sizes += np.diff(work.read("leaves", before)["starts"])
    return sizes


def members(work: Work, leaf: int) -> NDArray[np.int64]:
    """Return the ascending row positions of a leaf."""
    found = []
    for shard in range(work.plan.shards):
        stored = work.read("leaves", shard)
        first, last = stored["starts"][leaf : leaf + 2]
        found.append(stored["rows"][first:last] + np.int64(work.plan.range(shard)[0]))
    return np.concatenate(found)


def leaves(work: Work, index: int) -> ShardRecord:
    """Write the leaves of one shard of r rows, by row and by leaf.

    ``leaves`` (r, copies) int32 holds the leaves of each row. ``rows`` (r * copies,) int32 holds the rows of each leaf,
    leaf after leaf, counted from the shard's first row; ``starts`` (leaves + 1,) int64 is where each leaf begins in it.
    """
    return work.compute_once("leaves", index, lambda: _leaves(work, index))


def _leaves(work: Work, index: int) -> Arrays:
    cells, by_shard = work.read("assign", index)["cells"], cell_counts(work)
    oversized = np.flatnonzero(by_shard.sum(axis=0) > work.plan.cap)
    pieces = {int(cell): work.read("split", int(cell))["pieces"] for cell in oversized}
    width = np.ones(by_shard.shape[1], np.int64)
    for cell, piece in pieces.items():
        width[cell] = piece.max() + 1
    base = np.concatenate([[0], np.cumsum(width)])
    found = base[cells]
    for cell, piece in pieces.items():
        before = by_shard[:index, cell].sum()
        inside = cells == cell  # at most one per row, so in the order of rows
        found[inside] += piece[before : before + inside.sum()]
    order = np.argsort(found.ravel(), kind="stable")
    starts = np.searchsorted(found.ravel()[order], np.arange(base[-1] + 1))
    return {
        "leaves": found.astype(np.int32),
        "rows": (order // cells.shape[1]).astype(np.int32),
        "starts": starts.astype(np.int64),
    }
