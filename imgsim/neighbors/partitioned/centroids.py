"""Centres of the partitions: k-means on a sample, with crowded cells divided again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imgsim.io.vectors import Matrix
from imgsim.neighbors.exact import exact_knn
from imgsim.neighbors.partitioned.compiled import kernel
from imgsim.neighbors.partitioned.shards import Arrays, Note, Work

SAMPLE_PER_CENTRE = 32
MOST_SAMPLED = 500_000
ITERATIONS = 6
DIVISIONS = 4


def centroids(work: Work, index: int = 0) -> Note:
    """Shard of ``centres`` (p, d) float32; neither BLAS nor the number of threads can change a bit of it."""
    return work.keep("centroids", index, lambda: _centres(work))


def _centres(work: Work) -> Arrays:
    plan, vectors = work.plan, work.open()
    count = min(plan.rows, MOST_SAMPLED, SAMPLE_PER_CENTRE * plan.partitions)
    rng = np.random.default_rng(plan.seed)
    sample = np.ascontiguousarray(vectors[np.sort(rng.choice(plan.rows, count, replace=False))])
    most = max(1.0, plan.cap * count / plan.rows)
    centres = kmeans(sample, plan.partitions, rng)
    return {"centres": divided(sample, centres, plan.copies, most, rng)}


def kmeans(rows: Matrix, count: int, rng: np.random.Generator, iterations: int = ITERATIONS) -> Matrix:
    """At most ``count`` centres (p, d) of (m, d) rows by Lloyd's algorithm; cells that run empty are given up."""
    centres: Matrix = np.unique(rows[rng.choice(len(rows), min(count, len(rows)), replace=False)], axis=0)
    before: NDArray[np.int32] | None = None
    for _ in range(iterations):
        nearest = exact_knn(rows, centres, 1, smallest=kernel().smallest)[0][:, 0]
        if before is not None and np.array_equal(nearest, before):
            break
        before = nearest
        order = np.argsort(nearest, kind="stable")
        starts = np.flatnonzero(np.diff(nearest[order], prepend=-1))
        sums = np.add.reduceat(rows[order].astype(np.float64), starts, axis=0)
        counts = np.diff(starts, append=len(rows))
        centres = np.unique((sums / counts[:, None]).astype(np.float32), axis=0)
    return centres


def divided(sample: Matrix, centres: Matrix, copies: int, most: float, rng: np.random.Generator) -> Matrix:
    """``centres`` where each cell that holds more than ``most`` sampled rows, copies counted, is divided."""
    for _ in range(DIVISIONS):
        nearest = exact_knn(sample, centres, min(copies, len(centres)), smallest=kernel().smallest)[0]
        load = np.bincount(nearest.ravel(), minlength=len(centres))
        crowded = np.flatnonzero(load > most)
        if not len(crowded):
            break
        parts = [np.delete(centres, crowded, axis=0)]
        for cell in crowded:
            inside = sample[(nearest == cell).any(axis=1)]
            parts.append(kmeans(inside, int(np.ceil(2 * load[cell] / most)), rng))
        finer = np.unique(np.concatenate(parts), axis=0)
        if len(finer) <= len(centres):  # equal rows cannot be told apart
            break
        centres = finer
    return centres
