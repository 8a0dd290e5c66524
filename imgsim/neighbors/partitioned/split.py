"""Partitions above the cap, divided until no piece is: by k-means, and where that cannot, by distance to the centre.

The sample cannot foresee every crowd, and k-means cannot part equal rows: the pieces of a crowd are cut
in order of their distance to its centre, so equal rows stay together and every division ends.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from imgsim.io.vectors import BLOCK_ROWS, Matrix, Rows
from imgsim.neighbors.exact import exact_knn, true_distances
from imgsim.neighbors.partitioned.centroids import SAMPLE_PER_CENTRE, kmeans
from imgsim.neighbors.partitioned.shards import Arrays, Note, Work

WAYS = 64
PROGRESS = 0.9


def counts(work: Work) -> NDArray[np.int64]:
    """(shards, cells) rows of each shard in each cell."""
    return np.stack([work.read("assign", shard)["counts"] for shard in range(work.plan.shards)])


def crowded(work: Work) -> list[int]:
    """Cells with more rows than the cap."""
    return [int(cell) for cell in np.flatnonzero(counts(work).sum(axis=0) > work.plan.cap)]


def split(work: Work, cell: int) -> Note:
    """Shard of ``pieces`` (m,) int32: for each row of a crowded cell, in order, its piece."""
    return work.keep("split", cell, lambda: _split(work, cell))


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
    """Divide ascending row positions into groups of at most ``cap``, about ``size`` each."""
    waiting = [members]
    while waiting:
        rows = waiting.pop()
        if len(rows) <= cap:
            yield rows
            continue
        ways = min(WAYS, -(-len(rows) // size))
        sampled = np.sort(rng.choice(len(rows), min(len(rows), SAMPLE_PER_CENTRE * ways), replace=False))
        centres = kmeans(vectors[rows[sampled]], ways, rng)
        nearest, distance = _nearest(vectors, rows, centres)
        groups = [rows[nearest == centre] for centre in range(len(centres))]
        if max(map(len, groups)) <= PROGRESS * len(rows):
            waiting += [group for group in groups if len(group)]
        else:
            order = np.argsort(distance, kind="stable")
            yield from (np.sort(rows[part]) for part in np.array_split(order, -(-len(rows) // size)))


def _nearest(vectors: Matrix, rows: Rows, centres: Matrix) -> tuple[NDArray[np.int32], Matrix]:
    """Nearest centre of each row, and its distance to the centre that most rows are nearest to."""
    blocks = [rows[start : start + BLOCK_ROWS] for start in range(0, len(rows), BLOCK_ROWS)]
    nearest = np.concatenate([exact_knn(vectors[block], centres, 1)[0][:, 0] for block in blocks])
    main = int(np.bincount(nearest).argmax())
    distance = [true_distances(vectors[block], centres, np.full((len(block), 1), main)) for block in blocks]
    return nearest, np.concatenate(distance)[:, 0]
