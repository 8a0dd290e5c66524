"""Assignment of rows to the Voronoi cells of the centroids: each row goes to its nearest few."""

from __future__ import annotations

import numpy as np

from imgsim.io.vectors import BLOCK_ROWS
from imgsim.neighbors.exact import exact_knn, squared_norms
from imgsim.neighbors.partitioned.load_kernels import kernels
from imgsim.neighbors.partitioned.shards import Arrays, ShardRecord, Work


def assign(work: Work, index: int) -> ShardRecord:
    """Write the cells of one shard of rows: ``cells`` (r, copies) int32, nearest first, ``counts`` (p,) int64.

    ``counts`` is the number of these rows in each cell.
    """
    return work.compute_once("assign", index, lambda: _cells(work, index))


def _cells(work: Work, index: int) -> Arrays:
    vectors, (start, stop) = work.open(), work.plan.range(index)
    centroids = work.read("centroids", 0)["centroids"]
    copies, norms = min(work.plan.copies, len(centroids)), squared_norms(centroids)
    cells = np.empty((stop - start, copies), np.int32)
    for first in range(start, stop, BLOCK_ROWS):
        rows = vectors[first : min(stop, first + BLOCK_ROWS)]
        cells[first - start : first - start + len(rows)] = exact_knn(
            rows, centroids, copies, norms=norms, smallest=kernels().smallest
        )[0]
    return {"cells": cells, "counts": np.bincount(cells.ravel(), minlength=len(centroids)).astype(np.int64)}
