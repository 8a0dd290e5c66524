"""Refinement: rounds of neighbours of neighbours, as NN-Descent does, then exact ranking of what was found.

Partitions miss an edge between rows that share none of them. Each round compares every row with its neighbours' and its
reverse neighbours' own neighbours (Dong, Charikar, Li 2011) and keeps the nearest.
"""

from __future__ import annotations

import numpy as np

from imgsim.io.vectors import Matrix, Rows
from imgsim.neighbors.exact import Ids, exact_knn, nearest_distinct, rank
from imgsim.neighbors.partitioned.reverse import neighbor_lists, reverse_neighbors
from imgsim.neighbors.partitioned.shards import Arrays, ShardRecord, Work

BLOCK = 512


def refine(work: Work, index: int) -> ShardRecord:
    """Write the lists of one shard of rows after one round: ``ids`` and ``distances`` (r, plan.width).

    ``index`` is round * shards + shard; the format is that of `imgsim.neighbors.partitioned.merge.merge`.
    """
    return work.compute_once("refine", index, lambda: _refine(work, *divmod(index, work.plan.shards)))


def _refine(work: Work, iteration: int, shard: int) -> Arrays:
    vectors, (start, _) = work.open(), work.plan.range(shard)
    lists = neighbor_lists(work, iteration, shard)
    ids, distances = lists["ids"].copy(), lists["distances"].copy()
    if len(work.read("leaves", 0)["starts"]) > 2:  # the lists of a single leaf are exact already
        backward = reverse_neighbors(work, iteration, shard)
        all_ids = [neighbor_lists(work, iteration, other)["ids"] for other in range(work.plan.shards)]
        # leaf by leaf, so that vectors stay in the processor's cache
        order = np.argsort(work.read("leaves", shard)["leaves"][:, 0], kind="stable")
        for first in range(0, len(order), BLOCK):
            part = order[first : first + BLOCK]
            near = np.concatenate([lists["ids"][part], backward[part]], axis=1)
            candidates, rows = _with_their_neighbors(near, all_ids, work), part + start
            ids[part], distances[part] = rank(vectors[rows], vectors, candidates, work.plan.width, rows)
    return {"distances": distances, "ids": ids}


def _with_their_neighbors(near: Ids, all_ids: list[Ids], work: Work) -> Ids:
    """Append to the rows in ``near`` (m, c) the neighbours of each: (m, c * (1 + plan.width))."""
    flat = near.ravel()
    beyond = np.full((len(flat), work.plan.width), -1, np.int32)
    shard = np.where(flat < 0, -1, flat // work.plan.shard_rows)
    for number in np.unique(shard[shard >= 0]):
        chosen = np.flatnonzero(shard == number)
        beyond[chosen] = all_ids[number][flat[chosen] - work.plan.range(int(number))[0]]
    return np.concatenate([near, beyond.reshape(len(near), -1)], axis=1)


def finish(work: Work, index: int) -> ShardRecord:
    """Write one shard of the finished graph: ``ids`` int32 and ``distances`` float32 (r, k).

    Nearest first by exact distance, ties by row position.
    """
    return work.compute_once("finish", index, lambda: _finish(work, index))


def _finish(work: Work, index: int) -> Arrays:
    vectors, (start, stop) = work.open(), work.plan.range(index)
    found = neighbor_lists(work, work.plan.rounds, index)["ids"]
    ids, distances = np.empty((stop - start, work.plan.k), np.int32), np.empty((stop - start, work.plan.k), np.float32)
    for first in range(0, stop - start, BLOCK):
        part = slice(first, first + BLOCK)
        rows = np.arange(start + first, min(stop, start + first + BLOCK))
        ids[part], distances[part] = _rank(vectors, rows, found[part], work)
    return {"distances": distances, "ids": ids}


def _rank(vectors: Matrix, rows: Rows, found: Ids, work: Work) -> tuple[Ids, Matrix]:
    """Rank candidates by exact distance and keep k; rows with fewer than k candidates are searched exactly."""
    k = work.plan.k
    ids, distances = rank(vectors[rows], vectors, found, k, rows)
    short = ids[:, -1] < 0
    if short.any():
        ids[short], distances[short] = _nearest_others(work, vectors, rows[short], k)
    return ids, distances


def _nearest_others(work: Work, vectors: Matrix, rows: Rows, k: int) -> tuple[Ids, Matrix]:
    """Search the k nearest others of some rows among all, shard by shard."""
    ids, distances = np.full((len(rows), k), -1, np.int32), np.full((len(rows), k), np.inf, np.float32)
    for shard in range(work.plan.shards):
        more_ids, more_distances = nearest_in_shard(work, vectors, rows, k, shard)
        ids, distances = nearest_distinct(
            np.concatenate([ids, more_ids], 1), np.concatenate([distances, more_distances], 1), k
        )
    return ids, distances


def nearest_in_shard(work: Work, vectors: Matrix, rows: Rows, k: int, shard: int) -> tuple[Ids, Matrix]:
    """Search the k nearest others of some rows among the rows of one shard, exactly.

    Returns
    -------
    ids, distances : (m, k), or fewer columns where the shard has fewer rows
        Nearest first; -1 at distance infinity where a row has fewer others in the shard.
    """
    start, stop = work.plan.range(shard)
    ids, distances = exact_knn(vectors[rows], vectors[start:stop], min(k + 1, stop - start))
    ids = ids + np.int32(start)
    itself = ids == rows[:, None]
    return nearest_distinct(np.where(itself, -1, ids), np.where(itself, np.inf, distances), k)
