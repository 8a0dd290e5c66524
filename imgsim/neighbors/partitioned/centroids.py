"""Centroids of the partitions: k-means on a sample of rows, oversized cells divided again."""

from __future__ import annotations

import numpy as np

from imgsim.io.vectors import Matrix
from imgsim.neighbors.kmeans import SAMPLE_PER_CENTROID, kmeans, nearest_centroids
from imgsim.neighbors.partitioned.shards import Arrays, ShardRecord, Work

MOST_SAMPLED = 500_000
DIVISIONS = 4


def centroids(work: Work, index: int = 0) -> ShardRecord:
    """Write ``centroids`` (p, d) float32, the same bits whatever the BLAS and the number of threads."""
    return work.compute_once("centroids", index, lambda: _fit(work))


def _fit(work: Work) -> Arrays:
    plan, vectors = work.plan, work.open()
    count = min(plan.rows, MOST_SAMPLED, SAMPLE_PER_CENTROID * plan.partitions)
    rng = np.random.default_rng(plan.seed)
    sample = np.ascontiguousarray(vectors[np.sort(rng.choice(plan.rows, count, replace=False))])
    limit = max(1.0, plan.cap * count / plan.rows)
    fitted = kmeans(sample, plan.partitions, rng)
    return {"centroids": divide_oversized(sample, fitted, plan.copies, limit, rng)}


def divide_oversized(sample: Matrix, fitted: Matrix, copies: int, limit: float, rng: np.random.Generator) -> Matrix:
    """Replace the centroid of each cell above ``limit`` sampled rows by several, up to four times over.

    Each sampled row counts in its ``copies`` nearest cells. Cells of equal rows cannot be divided and stay oversized.

    Parameters
    ----------
    sample : (m, d) float32
    fitted : (p, d) float32
        Centroids of the sample.

    Returns
    -------
    (q, d) float32
        Centroids, q >= p.
    """
    for _ in range(DIVISIONS):
        nearest = nearest_centroids(sample, fitted, copies)
        load = np.bincount(nearest.ravel(), minlength=len(fitted))
        oversized = np.flatnonzero(load > limit)
        if not len(oversized):
            break
        parts = [np.delete(fitted, oversized, axis=0)]
        for cell in oversized:
            inside = sample[(nearest == cell).any(axis=1)]
            parts.append(kmeans(inside, int(np.ceil(2 * load[cell] / limit)), rng))
        finer = np.unique(np.concatenate(parts), axis=0)
        if len(finer) <= len(fitted):  # equal rows cannot be told apart
            break
        fitted = finer
    return fitted
