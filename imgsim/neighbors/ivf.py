"""Approximate nearest-neighbour search by an inverted file (IVF), then best-first search on the k-NN graph.

Exact search compares a query with every vector. An inverted file lists the rows by Voronoi cell of sqrt(n) k-means
centroids, so a query compares only the rows of the few cells whose centroids are nearest to it (Sivic and Zisserman
2003). The best of these rows are the entry points of a best-first search: the neighbours of the best rows so far are
compared with the query until none of them is better, keeping a beam of candidates (Malkov and Yashunin 2018). The graph
is the one that a model holds anyway.
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
"""Cells nearest to a query whose rows are compared with it (``nprobe``)."""
BEAM = 32
"""Candidates kept during best-first search (``ef``); at least twice as many as neighbours wanted."""
_SAMPLE_PER_CELL = 32
_MOST_ROUNDS = 32


@dataclass(frozen=True)
class InvertedFile:
    """Inverted lists: the rows of each Voronoi cell of p k-means centroids.

    ``centroids`` is (p, d) float32. ``order`` is (n,) int32, the rows, cell after cell; ``starts`` is (p + 1,) int64,
    the place in ``order`` where each cell begins.
    """

    centroids: Matrix
    order: Ids
    starts: NDArray[np.int64]

    @classmethod
    def build(cls, matrix: Matrix, seed: int = 0) -> InvertedFile:
        """Fit about sqrt(n) centroids to (n, d) vectors and list the rows by cell; equal seeds give equal files."""
        rng = np.random.default_rng(seed)
        wanted = max(1, round(len(matrix) ** 0.5))
        sampled = np.sort(rng.choice(len(matrix), min(len(matrix), wanted * _SAMPLE_PER_CELL), replace=False))
        centroids = kmeans(np.ascontiguousarray(matrix[sampled]), wanted, rng)
        norms = squared_norms(centroids)
        blocks = [matrix[start : start + BLOCK_ROWS] for start in range(0, len(matrix), BLOCK_ROWS)]
        cells = np.concatenate([exact_knn(block, centroids, 1, norms=norms)[0][:, 0] for block in blocks])
        return _list_by_cell(centroids, cells)

    def rows(self, cell: int) -> Ids:
        """Return the rows of a cell, ascending."""
        return self.order[self.starts[cell] : self.starts[cell + 1]]

    def with_rows(self, cells: Ids) -> InvertedFile:
        """Append rows n to n + m - 1, given the cell of each, (m,); the centroids stay."""
        of_old = np.repeat(np.arange(len(self.centroids), dtype=np.int32), np.diff(self.starts))
        of_all = np.empty(len(self.order) + len(cells), np.int32)
        of_all[self.order], of_all[len(self.order) :] = of_old, cells
        return _list_by_cell(self.centroids, of_all)

    def search(self, queries: Matrix, matrix: Matrix, neighbors: Ids, k: int) -> tuple[Ids, Matrix]:
        """Find approximately the ``k`` nearest rows of each query, nearest first, ties by row.

        Parameters
        ----------
        queries : (m, d) float32
        matrix : (n, d) float32
            The vectors that the inverted file was built on.
        neighbors : (n, g) int32
            Their k-NN graph.
        k : int
            1 <= k <= n.

        Returns
        -------
        ids : (m, k) int32 row positions
        distances : (m, k) float32
            Exact euclidean distances to these rows.
        """
        ids, distances = np.empty((len(queries), k), np.int32), np.empty((len(queries), k), np.float32)
        for i in range(len(queries)):
            query = queries[i : i + 1]
            ids[i], distances[i] = _best_first(query, matrix, neighbors, self._entry_points(query, k), k)
        return ids, distances

    def _entry_points(self, query: Matrix, k: int) -> Ids:
        """Return the rows of the `PROBES` nearest cells, and of as many more cells as it takes to have ``k`` rows."""
        near = exact_knn(query, self.centroids, len(self.centroids))[0][0]
        held = np.cumsum(np.diff(self.starts)[near])
        used = near[: max(PROBES, int(np.searchsorted(held, k)) + 1)]
        return np.concatenate([self.rows(int(cell)) for cell in used])

    def save(self, path: Path) -> None:
        """Write as safetensors."""
        from safetensors.numpy import save_file

        with atomic_path(path) as temporary:
            save_file({"centres": self.centroids, "order": self.order, "starts": self.starts}, temporary)

    @classmethod
    def load(cls, path: Path, rows: int, dims: int) -> InvertedFile:
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
            centroids, order, starts = tensors["centres"], tensors["order"], tensors["starts"]
        except (OSError, KeyError, TypeError, ValueError, SafetensorError) as error:
            raise ModelFormatError(f"the search cells {path} cannot be read: {error}") from error
        typed = all(a.dtype == kind for a, kind in ((centroids, np.float32), (order, np.int32), (starts, np.int64)))
        shaped = centroids.ndim == 2 and centroids.shape[1] == dims and starts.shape == (len(centroids) + 1,)
        if not (typed and shaped and len(centroids) and order.shape == (rows,) and np.isfinite(centroids).all()):
            raise ModelFormatError(f"the search cells {path} are not of {rows} vectors; export the model again.")
        ends = (int(starts[0]), int(starts[-1])) == (0, rows) and bool((np.diff(starts) >= 0).all())
        if not (ends and np.array_equal(np.sort(order), np.arange(rows))):
            raise ModelFormatError(f"the search cells {path} do not hold every row once; export the model again.")
        return cls(centroids, order, starts)


def _list_by_cell(centroids: Matrix, cells: Ids) -> InvertedFile:
    """Sort rows by cell, given the cell of each row, (n,)."""
    starts = np.zeros(len(centroids) + 1, np.int64)
    np.cumsum(np.bincount(cells, minlength=len(centroids)), out=starts[1:])
    return InvertedFile(centroids, np.argsort(cells, kind="stable").astype(np.int32), starts)


def _best_first(query: Matrix, matrix: Matrix, neighbors: Ids, entry: Ids, k: int) -> tuple[Ids, Matrix]:
    """Search the graph from the rows ``entry`` on; return the rows (k,) and distances (k,) of the best found."""
    beam = max(BEAM, 2 * k)
    best, far = _nearest(entry, true_distances(query, matrix, entry[None])[0], beam)
    seen, fresh = np.sort(entry), best
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
    """Keep the ``count`` nearest rows, ties by row."""
    order = np.lexsort((rows, distances))[:count]
    return rows[order].astype(np.int32), distances[order]
