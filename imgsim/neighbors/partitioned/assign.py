"""Rows to partitions: each row goes to its nearest centres."""

from __future__ import annotations

import numpy as np

from imgsim.io.vectors import BLOCK_ROWS
from imgsim.neighbors.exact import exact_knn, squared_norms
from imgsim.neighbors.partitioned.compiled import kernel
from imgsim.neighbors.partitioned.shards import Arrays, Note, Work


def assign(work: Work, index: int) -> Note:
    """Shard of ``cells`` (r, copies) int32, nearest first, and ``counts`` (p,) int64 rows of each cell."""
    return work.keep("assign", index, lambda: _cells(work, index))


def _cells(work: Work, index: int) -> Arrays:
    vectors, (start, stop) = work.open(), work.plan.range(index)
    centres = work.read("centroids", 0)["centres"]
    copies, norms = min(work.plan.copies, len(centres)), squared_norms(centres)
    cells = np.empty((stop - start, copies), np.int32)
    for first in range(start, stop, BLOCK_ROWS):
        rows = vectors[first : min(stop, first + BLOCK_ROWS)]
        cells[first - start : first - start + len(rows)] = exact_knn(
            rows, centres, copies, norms=norms, smallest=kernel().smallest
        )[0]
    return {"cells": cells, "counts": np.bincount(cells.ravel(), minlength=len(centres)).astype(np.int64)}
