"""Assignment of rows to the Voronoi cells of the centroids: each row goes to its nearest few."""

from __future__ import annotations

import numpy as np

from imgsim.neighbors.kmeans import nearest_centroids
from imgsim.neighbors.partitioned.shards import Arrays, ShardRecord, Work


def assign(work: Work, index: int) -> ShardRecord:
    """Write the cells of one shard of rows: ``cells`` (r, copies) int32, nearest first, ``counts`` (p,) int64.

    ``counts`` is the number of these rows in each cell.
    """
    return work.compute_once("assign", index, lambda: _cells(work, index))


def _cells(work: Work, index: int) -> Arrays:
    vectors, (start, stop) = work.open(), work.plan.range(index)
    centroids = work.read("centroids", 0)["centroids"]
    cells = nearest_centroids(vectors[start:stop], centroids, work.plan.copies)
    return {"cells": cells, "counts": np.bincount(cells.ravel(), minlength=len(centroids)).astype(np.int64)}
