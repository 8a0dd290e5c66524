"""The other direction of the merged edges: by which rows each row is listed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imgsim.partitioned.shards import Arrays, Note, Work

MOST = 10
"""Nearest listing rows that are used; popular rows are listed by thousands."""


def reverse(work: Work, index: int) -> Note:
    """Shard of edges ``source``, ``target`` (e,) int32 by target, nearest first; ``starts`` by target's shard."""
    return work.keep("reverse", index, lambda: _reversed(work, index))


def _reversed(work: Work, index: int) -> Arrays:
    plan, (start, stop) = work.plan, work.plan.range(index)
    merged = work.read("merge", index)
    target = merged["ids"][:, : plan.k].ravel()
    distance = merged["distances"][:, : plan.k].ravel()
    source = np.repeat(np.arange(start, stop, dtype=np.int32), min(plan.k, merged["ids"].shape[1]))
    real = target >= 0
    source, target, distance = first_of_each(source[real], target[real], distance[real])
    shards = np.arange(plan.shards + 1) * plan.shard_rows
    return {
        "distance": distance,
        "source": source,
        "starts": np.searchsorted(target, shards).astype(np.int64),
        "target": target,
    }


def first_of_each(
    source: NDArray[np.int32], target: NDArray[np.int32], distance: NDArray[np.float32]
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]:
    """The `MOST` nearest edges of each target, by target, then distance, then source."""
    order = np.lexsort((source, distance, target))
    source, target, distance = source[order], target[order], distance[order]
    rank = np.arange(len(target)) - np.searchsorted(target, target)
    keep = rank < MOST
    return source[keep], target[keep], distance[keep]


def listing(work: Work, index: int) -> NDArray[np.int32]:
    """(r, MOST) rows that list each row of a shard, nearest first, then -1."""
    start, stop = work.plan.range(index)
    parts = []
    for shard in range(work.plan.shards):
        edges = work.read("reverse", shard)
        part = slice(*edges["starts"][index : index + 2])
        parts.append((edges["source"][part], edges["target"][part], edges["distance"][part]))
    source, target, _ = first_of_each(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    found = np.full((stop - start, MOST), -1, np.int32)
    found[target - start, np.arange(len(target)) - np.searchsorted(target, target)] = source
    return found
