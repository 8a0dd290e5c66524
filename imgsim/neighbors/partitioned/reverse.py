"""Reverse edges of the neighbour lists: the rows that list each row among their neighbours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imgsim.neighbors.partitioned.shards import Arrays, ShardRecord, Work


def reverse(work: Work, index: int) -> ShardRecord:
    """Write the edges of one shard of rows in one round, sorted by target; ``index`` is round * shards + shard.

    ``source``, ``target`` (e,) int32 and ``distance`` (e,) float32 by target, then distance; ``starts`` (shards + 1,)
    int64 is the place where the edges to each shard's rows begin.
    """
    return work.compute_once("reverse", index, lambda: _reverse(work, index))


def _reverse(work: Work, index: int) -> Arrays:
    plan, (iteration, shard) = work.plan, divmod(index, work.plan.shards)
    start, stop = plan.range(shard)
    lists = neighbor_lists(work, iteration, shard)
    target, distance = lists["ids"].ravel(), lists["distances"].ravel()
    source = np.repeat(np.arange(start, stop, dtype=np.int32), plan.width)
    real = target >= 0
    source, target, distance = nearest_sources(source[real], target[real], distance[real], plan.width)
    shards = np.arange(plan.shards + 1) * plan.shard_rows
    return {
        "distance": distance,
        "source": source,
        "starts": np.searchsorted(target, shards).astype(np.int64),
        "target": target,
    }


def nearest_sources(
    source: NDArray[np.int32], target: NDArray[np.int32], distance: NDArray[np.float32], limit: int
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]:
    """Keep the ``limit`` nearest edges to each target, sorted by target, then distance, then source.

    Hubs are listed by thousands of rows, so without a limit their reverse lists would dominate the work.
    """
    order = np.lexsort((source, distance, target))
    source, target, distance = source[order], target[order], distance[order]
    rank = np.arange(len(target)) - np.searchsorted(target, target)
    keep = rank < limit
    return source[keep], target[keep], distance[keep]


def neighbor_lists(work: Work, iteration: int, shard: int) -> Arrays:
    """Read the neighbour lists that a refinement round starts from: merged ones, or those of the round before."""
    if iteration == 0:
        return work.read("merge", shard)
    return work.read("refine", (iteration - 1) * work.plan.shards + shard)


def reverse_neighbors(work: Work, iteration: int, index: int) -> NDArray[np.int32]:
    """Return for each row of a shard the nearest rows that list it, (r, plan.width) int32; -1 where there are fewer."""
    (start, stop), width = work.plan.range(index), work.plan.width
    parts = []
    for shard in range(work.plan.shards):
        edges = work.read("reverse", iteration * work.plan.shards + shard)
        part = slice(*edges["starts"][index : index + 2])
        parts.append((edges["source"][part], edges["target"][part], edges["distance"][part]))
    source, target, distance = (np.concatenate(column) for column in zip(*parts, strict=True))
    source, target, _ = nearest_sources(source, target, distance, width)
    found = np.full((stop - start, width), -1, np.int32)
    found[target - start, np.arange(len(target)) - np.searchsorted(target, target)] = source
    return found
