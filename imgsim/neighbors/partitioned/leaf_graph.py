"""The k-NN graph of the rows of one leaf (partition), exact or by NN-Descent."""

from __future__ import annotations

import numpy as np

from imgsim.neighbors.exact import exact_knn
from imgsim.neighbors.nndescent import nn_descent_knn
from imgsim.neighbors.partitioned.leaves import members
from imgsim.neighbors.partitioned.shards import Arrays, ShardRecord, Work

EXACT_UP_TO = 65_536
"""Rows up to which a leaf is searched exactly: none has more unless partitions are given another size."""


def leaf_graph(work: Work, leaf: int) -> ShardRecord:
    """Write each row's nearest others in a leaf of m rows: ``ids`` int32 and ``distances`` float32 (m, w).

    w is ``plan.width``, or m - 1 in a smaller leaf.
    """
    return work.compute_once("leaf_graph", leaf, lambda: _nearest_in_leaf(work, leaf))


def _nearest_in_leaf(work: Work, leaf: int) -> Arrays:
    rows = members(work, leaf)
    k = min(work.plan.width, len(rows) - 1)
    if k < 1:
        return {"distances": np.empty((len(rows), 0), np.float32), "ids": np.empty((len(rows), 0), np.int32)}
    inside = np.ascontiguousarray(work.open()[rows])
    if len(rows) <= EXACT_UP_TO:
        ids, distances = exact_knn(inside, inside, k, np.arange(len(rows)))
    else:
        ids, distances = nn_descent_knn(inside, k, work.plan.seed)
    return {"distances": distances, "ids": rows[ids].astype(np.int32)}
