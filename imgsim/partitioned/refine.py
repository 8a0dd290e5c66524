"""One round of neighbours of neighbours, forward and backward: what lies across the border of a partition is found."""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray

from imgsim.exact import exact_knn, rank
from imgsim.home import home
from imgsim.partitioned.merge import Ids, nearest
from imgsim.partitioned.reverse import listing
from imgsim.partitioned.shards import Arrays, Note, Work
from imgsim.vectors import Matrix

Rows = NDArray[np.int64]
BLOCK = 4096


def refine(work: Work, index: int) -> Note:
    """Shard of the graph: ``ids`` int32 and ``distances`` float32 (r, k), nearest first, ties by position."""
    return work.keep("refine", index, lambda: _refined(work, index))


def _refined(work: Work, index: int) -> Arrays:
    plan, vectors = work.plan, work.open()
    start, stop = plan.range(index)
    merged = work.read("merge", index)
    ids, distances = np.empty((stop - start, plan.k), np.int32), np.empty((stop - start, plan.k), np.float32)
    if len(work.read("place", 0)["starts"]) == 2:  # one leaf: exact already
        return {"distances": merged["distances"][:, : plan.k], "ids": merged["ids"][:, : plan.k]}
    backward = listing(work, index)
    lists = [work.read("merge", shard)["ids"] for shard in range(plan.shards)]
    for first in range(0, stop - start, BLOCK):
        part = slice(first, min(stop - start, first + BLOCK))
        own = merged["ids"][part]
        near = np.concatenate([own[:, : plan.k], backward[part]], axis=1)
        found = _walked(vectors, start + first, own, merged["distances"][part], near, lists, work)
        ids[part], distances[part] = _ranked(vectors, start + first, found, work)
    return {"distances": distances, "ids": ids}


def _walked(vectors: Matrix, start: int, ids: Ids, distances: Matrix, near: Ids, lists: list[Ids], work: Work) -> Ids:
    """(m, wide) nearest of the lists of these rows, of the rows in ``near`` (m, c), and of what those list."""
    os.environ.setdefault("NUMBA_CACHE_DIR", str(home() / "numba"))
    from imgsim.partitioned.kernel import nearest_of

    k = work.plan.k
    flat = near.ravel()
    beyond = np.full((len(flat), k), -1, np.int32)
    shard = np.where(flat < 0, -1, flat // work.plan.shard_rows)
    for number in np.unique(shard[shard >= 0]):
        chosen = np.flatnonzero(shard == number)
        beyond[chosen] = lists[number][flat[chosen] - work.plan.range(int(number))[0], :k]
    candidates = np.concatenate([near, beyond.reshape(len(near), -1)], axis=1)
    found, squared = ids.copy(), distances**2
    nearest_of(vectors, start, found, squared, candidates, k)
    return found


def _ranked(vectors: Matrix, start: int, found: Ids, work: Work) -> tuple[Ids, Matrix]:
    """The k nearest by true distance; rows left short of k are searched among all."""
    k = work.plan.k
    rows = np.arange(start, start + len(found))
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
