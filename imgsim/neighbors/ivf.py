"""Approximate search in very many rows: enter at the nearest of some cells, then walk along the neighbour graph.

Exact search reads every vector for a single query, so its time grows with their number. Here rows are spread over
sqrt(n) cells by k-means; those of the few cells whose centres are nearest to the query (an inverted file; Sivic and
Zisserman 2003) are where the walk begins. It looks at the neighbours of the best rows so far until none of them is
better (best-first search with a beam; Malkov and Yashunin 2018), along the graph that the model holds anyway.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imgsim.errors import ModelFormatError
from imgsim.io.atomic import atomic_path
from imgsim.io.vectors import BLOCK_ROWS
from imgsim.neighbors.exact import Ids, Matrix, exact_knn, squared_norms, true_distances
from imgsim.neighbors.partitioned.centroids import kmeans

PROBES = 8
"""Cells in which a walk begins."""
BEAM = 32
"""Best rows that are kept on a walk; at least twice as many as are wanted."""
_SAMPLE_PER_CELL = 32
_MOST_ROUNDS = 32


@dataclass(frozen=True)
class Cells:
    """Rows by cell.

    ``centres`` is (p, d) float32, ``order`` (n,) int32 the rows, cell after cell, ``starts`` (p + 1,) int64 where in
    it each cell begins.
    """

    centres: Matrix
    order: Ids
    starts: NDArray[np.int64]

    @classmethod
    def build(cls, matrix: Matrix, seed: int = 0) -> Cells:
        """Spread the rows of (n, d) over about sqrt(n) cells; equal seeds give equal cells."""
        rng = np.random.default_rng(seed)
        wanted = max(1, round(len(matrix) ** 0.5))
        sampled = np.sort(rng.choice(len(matrix), min(len(matrix), wanted * _SAMPLE_PER_CELL), replace=False))
        centres = kmeans(np.ascontiguousarray(matrix[sampled]), wanted, rng)
        norms = squared_norms(centres)
        blocks = [matrix[start : start + BLOCK_ROWS] for start in range(0, len(matrix), BLOCK_ROWS)]
        cells = np.concatenate([exact_knn(block, centres, 1, norms=norms)[0][:, 0] for block in blocks])
        return _spread(centres, cells)

    def rows(self, cell: int) -> Ids:
        """Rows of a cell."""
        return self.order[self.starts[cell] : self.starts[cell + 1]]

    def with_rows(self, cells: Ids) -> Cells:
        """The same centres with more rows: (m,) cells of the next m rows."""
        of_old = np.repeat(np.arange(len(self.centres), dtype=np.int32), np.diff(self.starts))
        every = np.empty(len(self.order) + len(cells), np.int32)
        every[self.order], every[len(self.order) :] = of_old, cells
        return _spread(self.centres, every)

    def search(self, queries: Matrix, matrix: Matrix, neighbors: Ids, k: int) -> tuple[Ids, Matrix]:
        """About the ``k`` nearest rows of each query, nearest first, ties by row; distances are exact.

        Parameters
        ----------
        queries : (m, d) float32
        matrix : (n, d) float32
            The rows that the cells were built of.
        neighbors : (n, g) int32
            Their neighbour graph.
        k : int
            1 <= k <= n.

        Returns
        -------
        ids : (m, k) int32 row positions
        distances : (m, k) float32
        """
        ids, distances = np.empty((len(queries), k), np.int32), np.empty((len(queries), k), np.float32)
        for i in range(len(queries)):
            ids[i], distances[i] = _walk(queries[i : i + 1], matrix, neighbors, self._entry(queries[i : i + 1], k), k)
        return ids, distances

    def _entry(self, query: Matrix, k: int) -> Ids:
        """Rows of the nearest cells: of `PROBES`, and of as many more as it takes to have ``k``."""
        near = exact_knn(query, self.centres, len(self.centres))[0][0]
        held = np.cumsum(np.diff(self.starts)[near])
        used = near[: max(PROBES, int(np.searchsorted(held, k)) + 1)]
        return np.concatenate([self.rows(int(cell)) for cell in used])

    def save(self, path: Path) -> None:
        """Write as safetensors."""
        from safetensors.numpy import save_file

        with atomic_path(path) as temporary:
            save_file({"centres": self.centres, "order": self.order, "starts": self.starts}, temporary)

    @classmethod
    def load(cls, path: Path, rows: int, dims: int) -> Cells:
        """Read what `save` wrote for ``rows`` vectors of ``dims`` values.

        Raises
        ------
        ModelFormatError
            The file is missing, damaged, or not of these vectors.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            tensors = load_file(path)
            centres, order, starts = tensors["centres"], tensors["order"], tensors["starts"]
        except (OSError, KeyError, TypeError, ValueError, SafetensorError) as error:
            raise ModelFormatError(f"the search cells {path} cannot be read: {error}") from error
        typed = all(a.dtype == kind for a, kind in ((centres, np.float32), (order, np.int32), (starts, np.int64)))
        shaped = centres.ndim == 2 and centres.shape[1] == dims and starts.shape == (len(centres) + 1,)
        if not (typed and shaped and len(centres) and order.shape == (rows,) and np.isfinite(centres).all()):
            raise ModelFormatError(f"the search cells {path} are not of {rows} vectors; export the model again.")
        ends = (int(starts[0]), int(starts[-1])) == (0, rows) and bool((np.diff(starts) >= 0).all())
        if not (ends and np.array_equal(np.sort(order), np.arange(rows))):
            raise ModelFormatError(f"the search cells {path} do not hold every row once; export the model again.")
        return cls(centres, order, starts)


def _spread(centres: Matrix, cells: Ids) -> Cells:
    """Cells of these centres, given the cell of each row."""
    starts = np.zeros(len(centres) + 1, np.int64)
    np.cumsum(np.bincount(cells, minlength=len(centres)), out=starts[1:])
    return Cells(centres, np.argsort(cells, kind="stable").astype(np.int32), starts)


def _walk(query: Matrix, matrix: Matrix, neighbors: Ids, seen: Ids, k: int) -> tuple[Ids, Matrix]:
    """Rows (k,) and distances of where a walk from the rows ``seen`` ends."""
    beam = max(BEAM, 2 * k)
    best, far = _nearest(seen, true_distances(query, matrix, seen[None])[0], beam)
    seen, fresh = np.sort(seen), best
    for _ in range(_MOST_ROUNDS):
        reached = np.setdiff1d(neighbors[fresh], seen)
        if not len(reached):
            break
        seen = np.union1d(seen, reached)
        before = best
        there = true_distances(query, matrix, reached[None])[0]
        best, far = _nearest(np.concatenate([best, reached]), np.concatenate([far, there]), beam)
        fresh = np.setdiff1d(best, before)
        if not len(fresh):
            break
    return best[:k], far[:k]


def _nearest(rows: Ids, distances: Matrix, count: int) -> tuple[Ids, Matrix]:
    """The ``count`` nearest, ties by row."""
    order = np.lexsort((rows, distances))[:count]
    return rows[order].astype(np.int32), distances[order]
