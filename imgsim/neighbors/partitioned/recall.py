"""Recall of a partitioned graph on a sample of rows: predicted before it is built, measured after.

Search inside a leaf finds every edge, so the share of true neighbours that lie in a leaf together is the recall before
refinement. The true neighbours of the sample (ground truth) take one exact search.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imgsim.io.vectors import Matrix
from imgsim.neighbors.exact import Ids, nearest_distinct
from imgsim.neighbors.partitioned.refine import nearest_in_shard
from imgsim.neighbors.partitioned.shards import Arrays, ShardRecord, Work

SAMPLE = 2000


def sampled(work: Work) -> NDArray[np.int64]:
    """Draw the rows of the sample by the plan's seed; ascending positions (q,)."""
    rng = np.random.default_rng([work.plan.seed, 1])
    return np.sort(rng.choice(work.plan.rows, min(SAMPLE, work.plan.rows), replace=False))


def ground_truth(work: Work, index: int) -> ShardRecord:
    """Write the sampled rows' nearest others among the rows of one shard: ``ids`` and ``distances`` (q, k)."""
    return work.compute_once("ground_truth", index, lambda: _true_in_shard(work, index))


def _true_in_shard(work: Work, index: int) -> Arrays:
    ids, distances = nearest_in_shard(work, work.open(), sampled(work), work.plan.k, index)
    return {"distances": distances, "ids": ids}


def _true_neighbors(work: Work) -> tuple[Ids, Matrix]:
    shards = [work.read("ground_truth", shard) for shard in range(work.plan.shards)]
    ids, distances = (np.concatenate([shard[name] for shard in shards], axis=1) for name in ("ids", "distances"))
    return nearest_distinct(ids, distances, work.plan.k)


def predicted_recall(work: Work) -> float:
    """Compute the share of the sample's true neighbours that share a leaf with it; low where many rows are equal."""
    rows, true = sampled(work), _true_neighbors(work)[0]
    leaves = np.empty((true.size + len(rows), work.read("leaves", 0)["leaves"].shape[1]), np.int32)
    wanted = np.concatenate([rows, true.ravel()])
    shard = wanted // work.plan.shard_rows
    for number in np.unique(shard):
        inside = shard == number
        leaves[inside] = work.read("leaves", int(number))["leaves"][wanted[inside] - work.plan.range(int(number))[0]]
    own, others = leaves[: len(rows)], leaves[len(rows) :].reshape(*true.shape, -1)
    together = (own[:, None, :, None] == others[:, :, None, :]).any(axis=(2, 3))
    return float(together.mean())


def measured_recall(work: Work) -> float:
    """Compute the share of the sample's true k nearest that the graph lists; equal distances count as found."""
    rows, limit = sampled(work), _true_neighbors(work)[1][:, -1:]
    listed = np.empty((len(rows), work.plan.k), np.float32)
    shard = rows // work.plan.shard_rows
    for number in np.unique(shard):
        inside = shard == number
        distances = work.read("finish", int(number))["distances"]
        listed[inside] = distances[rows[inside] - work.plan.range(int(number))[0]]
    return float((listed <= limit).mean())
