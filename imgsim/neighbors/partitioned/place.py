"""Leaves: the partitions that are built, no larger than the cap; and which rows lie in each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imgsim.neighbors.partitioned.shards import Arrays, Note, Work
from imgsim.neighbors.partitioned.split import counts


def leaf_sizes(work: Work, shard: int | None = None) -> NDArray[np.int64]:
    """(leaves,) rows of each leaf: of all, or of those in the shards before ``shard``."""
    shards = work.plan.shards if shard is None else shard
    leaves = len(work.read("place", 0)["starts"]) - 1
    sizes = np.zeros(leaves, np.int64)
    for before in range(shards):
        sizes += np.diff(work.read("place", before)["starts"])
    return sizes


def members(work: Work, leaf: int) -> NDArray[np.int64]:
    """Ascending row positions of a leaf."""
    found = []
    for shard in range(work.plan.shards):
        placed = work.read("place", shard)
        first, last = placed["starts"][leaf : leaf + 2]
        found.append(placed["rows"][first:last] + np.int64(work.plan.range(shard)[0]))
    return np.concatenate(found)


def place(work: Work, index: int) -> Note:
    """Shard of ``leaves`` (r, copies) int32; and by leaf: ``rows`` (r * copies,) within the shard, ``starts``."""
    return work.keep("place", index, lambda: _place(work, index))


def _place(work: Work, index: int) -> Arrays:
    cells, by_shard = work.read("assign", index)["cells"], counts(work)
    crowded = np.flatnonzero(by_shard.sum(axis=0) > work.plan.cap)
    pieces = {int(cell): work.read("split", int(cell))["pieces"] for cell in crowded}
    width = np.ones(by_shard.shape[1], np.int64)
    for cell, piece in pieces.items():
        width[cell] = piece.max() + 1
    base = np.concatenate([[0], np.cumsum(width)])
    leaves = base[cells]
    for cell, piece in pieces.items():
        before = by_shard[:index, cell].sum()
        inside = cells == cell  # at most one per row, so in the order of rows
        leaves[inside] += piece[before : before + inside.sum()]
    order = np.argsort(leaves.ravel(), kind="stable")
    starts = np.searchsorted(leaves.ravel()[order], np.arange(base[-1] + 1))
    return {
        "leaves": leaves.astype(np.int32),
        "rows": (order // cells.shape[1]).astype(np.int32),
        "starts": starts.astype(np.int64),
    }
