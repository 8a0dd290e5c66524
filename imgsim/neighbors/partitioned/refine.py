"""Rounds of neighbours of neighbours, forward and backward: what lies across the border of a partition is found."""

from __future__ import annotations

import numpy as np

from imgsim.io.vectors import Matrix, Rows
from imgsim.neighbors.exact import Ids, exact_knn, rank
from imgsim.neighbors.partitioned.compiled import kernel
from imgsim.neighbors.partitioned.merge import nearest
from imgsim.neighbors.partitioned.reverse import listing, lists
from imgsim.neighbors.partitioned.shards import Arrays, Note, Work

BLOCK = 4096


def walk(work: Work, index: int) -> Note:
    """Shard, per round and shard of rows, of ``ids`` and ``distances`` (r, plan.wide) as `merge` writes them."""
    return work.keep("walk", index, lambda: _walked(work, *divmod(index, work.plan.shards)))


def _walked(work: Work, turn: int, shard: int) -> Arrays:
    vectors, (start, _) = work.open(), work.plan.range(shard)
    now = lists(work, turn, shard)
    ids, squared = now["ids"].copy(), now["distances"] ** 2
    if len(work.read("place", 0)["starts"]) > 2:  # in a single leaf they are exact already
        backward = listing(work, turn, shard)
        everyone = [lists(work, turn, other)["ids"] for other in range(work.plan.shards)]
        order = np.argsort(work.read("place", shard)["leaves"][:, 0], kind="stable")  # so that vectors stay in cache
        for first in range(0, len(order), BLOCK):
            part = order[first : first + BLOCK]
            near = np.concatenate([now["ids"][part], backward[part]], axis=1)
            found, distance = ids[part], squared[part]
            candidates = _beyond(near, everyone, work)
            kernel().nearest_of(vectors, part + start, found, distance, candidates, work.plan.k)
            ids[part], squared[part] = found, distance
    return {"distances": np.sqrt(squared), "ids": ids}


def _beyond(near: Ids, everyone: list[Ids], work: Work) -> Ids:
    """(m, c * (1 + wide)): the rows in ``near`` (m, c), and what those list."""
    flat = near.ravel()
    beyond = np.full((len(flat), work.plan.wide), -1, np.int32)
    shard = np.where(flat < 0, -1, flat // work.plan.shard_rows)
    for number in np.unique(shard[shard >= 0]):
        chosen = np.flatnonzero(shard == number)
        beyond[chosen] = everyone[number][flat[chosen] - work.plan.range(int(number))[0]]
    return np.concatenate([near, beyond.reshape(len(near), -1)], axis=1)


def refine(work: Work, index: int) -> Note:
    """Shard of the graph: ``ids`` int32 and ``distances`` float32 (r, k), nearest first, ties by position."""
    return work.keep("refine", index, lambda: _refined(work, index))


def _refined(work: Work, index: int) -> Arrays:
    vectors, (start, stop) = work.open(), work.plan.range(index)
    found = lists(work, work.plan.rounds, index)["ids"]
    ids, distances = np.empty((stop - start, work.plan.k), np.int32), np.empty((stop - start, work.plan.k), np.float32)
    for first in range(0, stop - start, BLOCK):
        part = slice(first, first + BLOCK)
        rows = np.arange(start + first, min(stop, start + first + BLOCK))
        ids[part], distances[part] = _ranked(vectors, rows, found[part], work)
    return {"distances": distances, "ids": ids}


def _ranked(vectors: Matrix, rows: Rows, found: Ids, work: Work) -> tuple[Ids, Matrix]:
    """The k nearest by true distance; rows left short of k are searched among all."""
    k = work.plan.k
    short = (found >= 0).sum(axis=1) < k
    itself = rows[:, None]
    ids, distances = rank(vectors[rows], vectors, np.where(found < 0, itself, found).astype(np.int64), k, rows)
    if short.any():
        ids[short], distances[short] = nearest_others(work, vectors, rows[short], k)
    return ids, distances


def nearest_others(work: Work, vectors: Matrix, rows: Rows, k: int) -> tuple[Ids, Matrix]:
    """The k nearest others of some rows among all, shard by shard."""
    ids, distances = np.full((len(rows), k), -1, np.int32), np.full((len(rows), k), np.inf, np.float32)
    for shard in range(work.plan.shards):
        more = nearest_in_shard(work, vectors, rows, k, shard)
        ids, distances = nearest(np.concatenate([ids, more[0]], 1), np.concatenate([distances, more[1]], 1), k)
    return ids, distances


def nearest_in_shard(work: Work, vectors: Matrix, rows: Rows, k: int, shard: int) -> tuple[Ids, Matrix]:
    """The k nearest others of some rows among those of one shard; -1 at infinity where it has fewer."""
    start, stop = work.plan.range(shard)
    ids, distances = exact_knn(vectors[rows], vectors[start:stop], min(k + 1, stop - start))
    ids = ids + np.int32(start)
    itself = ids == rows[:, None]
    return nearest(np.where(itself, -1, ids), np.where(itself, np.inf, distances), k)
