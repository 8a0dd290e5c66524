"""The graph inside one leaf."""

from __future__ import annotations

import numpy as np

from imgsim.neighbors.exact import exact_knn
from imgsim.neighbors.partitioned.compiled import kernel
from imgsim.neighbors.partitioned.place import members
from imgsim.neighbors.partitioned.shards import Arrays, Note, Work

EXACT_UP_TO = 65_536
"""Rows up to which exact search costs less than NN-Descent and compiling it in each worker."""


def build(work: Work, leaf: int) -> Note:
    """Shard of ``ids`` and ``distances`` (m, w) of each row's nearest others in the leaf, w at most ``plan.wide``."""
    return work.keep("build", leaf, lambda: _nearest(work, leaf))


def _nearest(work: Work, leaf: int) -> Arrays:
    rows = members(work, leaf)
    k = min(work.plan.wide, len(rows) - 1)
    if k < 1:
        return {"distances": np.empty((len(rows), 0), np.float32), "ids": np.empty((len(rows), 0), np.int32)}
    inside = np.ascontiguousarray(work.open()[rows])
    if len(rows) <= EXACT_UP_TO:
        everyone = np.arange(len(rows))
        if len(rows) == work.plan.rows:  # nothing will be refined: exact to the last tie
            ids, distances = exact_knn(inside, inside, k, everyone)
        else:
            loops = kernel()
            ids, distances = exact_knn(inside, inside, k, everyone, smallest=loops.smallest, ranked=loops.rank)
    else:
        from imgsim.neighbors.nndescent import nn_descent_knn

        ids, distances = nn_descent_knn(inside, k, work.plan.seed, jobs=1)
    return {"distances": distances, "ids": rows[ids].astype(np.int32)}
