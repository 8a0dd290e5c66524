"""The other direction of the merged edges: by which rows each row is listed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imgsim.neighbors.partitioned.shards import Arrays, Note, Work


def reverse(work: Work, index: int) -> Note:
    """Shard, per round and shard of rows, of their lists turned round.

    ``source``, ``target`` (e,) int32 by target, nearest first; ``starts`` by target's shard.
    """
    return work.keep("reverse", index, lambda: _reversed(work, index))


def _reversed(work: Work, index: int) -> Arrays:
    plan, (turn, shard) = work.plan, divmod(index, work.plan.shards)
    start, stop = plan.range(shard)
    now = lists(work, turn, shard)
    target, distance = now["ids"].ravel(), now["distances"].ravel()
    source = np.repeat(np.arange(start, stop, dtype=np.int32), plan.wide)
    real = target >= 0
    source, target, distance = first_of_each(source[real], target[real], distance[real], plan.wide)
    shards = np.arange(plan.shards + 1) * plan.shard_rows
    return {
        "distance": distance,
        "source": source,
        "starts": np.searchsorted(target, shards).astype(np.int64),
        "target": target,
    }


def first_of_each(
    source: NDArray[np.int32], target: NDArray[np.int32], distance: NDArray[np.float32], most: int
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]:
    """The ``most`` nearest edges of each target, by target, then distance, then source.

    Popular rows are listed by thousands of others.
    """
    order = np.lexsort((source, distance, target))
    source, target, distance = source[order], target[order], distance[order]
    rank = np.arange(len(target)) - np.searchsorted(target, target)
    keep = rank < most
    return source[keep], target[keep], distance[keep]


def lists(work: Work, turn: int, shard: int) -> Arrays:
    """The lists that a round begins with: merged ones, or what the round before found."""
    return work.read("merge", shard) if turn == 0 else work.read("walk", (turn - 1) * work.plan.shards + shard)


def listing(work: Work, turn: int, index: int) -> NDArray[np.int32]:
    """(r, plan.wide) nearest of the rows that list each row of a shard, nearest first, then -1."""
    (start, stop), most = work.plan.range(index), work.plan.wide
    parts = []
    for shard in range(work.plan.shards):
        edges = work.read("reverse", turn * work.plan.shards + shard)
        part = slice(*edges["starts"][index : index + 2])
        parts.append((edges["source"][part], edges["target"][part], edges["distance"][part]))
    source, target, distance = (np.concatenate(column) for column in zip(*parts, strict=True))
    source, target, _ = first_of_each(source, target, distance, most)
    found = np.full((stop - start, most), -1, np.int32)
    found[target - start, np.arange(len(target)) - np.searchsorted(target, target)] = source
    return found
