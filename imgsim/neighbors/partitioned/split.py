"""Division of cells above the cap into pieces: by k-means, and where that fails by distance to the centroid.

Centroids are fitted on a sample, so a cell may hold more rows than the sample predicted, and k-means cannot separate
equal rows. A group that k-means does not divide is cut in order of the distance to its centroid: equal rows stay
together, and the recursion ends.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from imgsim.io.vectors import BLOCK_ROWS, Matrix, Rows
from imgsim.neighbors.exact import true_distances
from imgsim.neighbors.kmeans import fit_centroids, nearest_centroids
from imgsim.neighbors.partitioned.shards import Arrays, ShardRecord, Work

MOST_CLUSTERS = 64
LARGEST_SHARE = 0.9
"""Share of a group's rows in one cluster above which k-means counts as having failed."""


def cell_counts(work: Work) -> NDArray[np.int64]:
    """Return how many rows of each shard lie in each cell, (shards, cells)."""
    return np.stack([work.read("assign", shard)["counts"] for shard in range(work.plan.shards)])


def oversized_cells(work: Work) -> list[int]:
    """Return the cells with more rows than the cap."""
    return [int(cell) for cell in np.flatnonzero(cell_counts(work).sum(axis=0) > work.plan.cap)]


def split(work: Work, cell: int) -> ShardRecord:
    """Write ``pieces`` (m,) int32: the piece of each of the m rows of an oversized cell, by row position."""
    return work.compute_once("split", cell, lambda: _split(work, cell))


def _split(work: Work, cell: int) -> Arrays:
    members = np.concatenate(
        [
            np.flatnonzero((work.read("assign", shard)["cells"] == cell).any(axis=1)) + work.plan.range(shard)[0]
            for shard in range(work.plan.shards)
        ]
    )
    pieces = np.empty(len(members), np.int32)
    rng = np.random.default_rng([work.plan.seed, cell])
    for number, rows in enumerate(pieces_of(work.open(), members, work.plan.size, work.plan.cap, rng)):
        pieces[np.searchsorted(members, rows)] = number
    return {"pieces": pieces}


def pieces_of(vectors: Matrix, members: Rows, size: int, cap: int, rng: np.random.Generator) -> Iterator[Rows]:
    """Divide the rows ``members`` (ascending positions) into groups of at most ``cap`` and about ``size`` rows.

    Yields
    ------
    (g,) int64
        Ascending row positions; every member is in one group.
    """
    waiting = [members]
    while waiting:
        rows = waiting.pop()
        if len(rows) <= cap:
            yield rows
            continue
        clusters = min(MOST_CLUSTERS, -(-len(rows) // size))
        centroids = fit_centroids(vectors, clusters, rng, rows)
        nearest, distance = _nearest_centroids(vectors, rows, centroids)
        groups = [rows[nearest == centroid] for centroid in range(len(centroids))]
        if max(map(len, groups)) <= LARGEST_SHARE * len(rows):
            waiting += [group for group in groups if len(group)]
        else:
            order = np.argsort(distance, kind="stable")
            yield from (np.sort(rows[part]) for part in np.array_split(order, -(-len(rows) // size)))


def _nearest_centroids(vectors: Matrix, rows: Rows, centroids: Matrix) -> tuple[NDArray[np.int32], Matrix]:
    """Find each row's nearest centroid, and its distance to the centroid of the largest cluster."""
    blocks = [rows[start : start + BLOCK_ROWS] for start in range(0, len(rows), BLOCK_ROWS)]
    nearest = np.concatenate([nearest_centroids(vectors[block], centroids, 1)[:, 0] for block in blocks])
    main = int(np.bincount(nearest).argmax())
    distance = [true_distances(vectors[block], centroids, np.full((len(block), 1), main)) for block in blocks]
    return nearest, np.concatenate(distance)[:, 0]
