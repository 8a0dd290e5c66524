"""Approximate nearest-neighbour search by an inverted file (IVF).

Exact search compares a query with every vector. An inverted file lists the rows by Voronoi cell of k-means centroids,
so a query compares only the rows of the few cells whose centroids are nearest to it (Sivic and Zisserman 2003). The
vectors stay where they are, in memory or in a mapped file: the index holds row numbers only. How many cells it takes is
measured on a sample when the index is built.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imgsim.errors import ModelFormatError
from imgsim.io.atomic import atomic_path
from imgsim.io.vectors import Matrix
from imgsim.neighbors.exact import Ids, exact_knn, rank
from imgsim.neighbors.kmeans import fit_centroids, nearest_centroids

CELLS_PER_ROOT = 3
"""Cells per square root of the number of rows: 3,000 for a million."""
TARGET = 0.99
"""Share of the 10 nearest of sampled rows that lie in the cells that are probed."""
SAMPLE = 1000
_LEAST_PROBES, _MOST_PROBES = 4, 128
_ROWS_PER_NEIGHBOR = 32


@dataclass(frozen=True)
class InvertedFile:
    """Inverted lists: the rows of each Voronoi cell of p k-means centroids.

    ``centroids`` is (p, d) float32. ``order`` is (n,) int32, the rows, cell after cell; ``starts`` is (p + 1,) int64,
    the place in ``order`` where each cell begins. ``probes`` is the number of cells nearest to a query whose rows are
    compared with it.
    """

    centroids: Matrix
    order: Ids
    starts: NDArray[np.int64]
    probes: int

    @classmethod
    def build(cls, matrix: Matrix, seed: int = 0) -> InvertedFile:
        """Fit centroids to (n, d) vectors and list the rows by cell; equal seeds give equal files."""
        rng = np.random.default_rng(seed)
        centroids = fit_centroids(matrix, max(1, round(CELLS_PER_ROOT * len(matrix) ** 0.5)), rng)
        cells = nearest_centroids(matrix, centroids, 1)[:, 0]
        sampled = np.sort(rng.choice(len(matrix), min(len(matrix), SAMPLE), replace=False))
        rows = np.ascontiguousarray(matrix[sampled])
        near = nearest_centroids(rows, centroids, _MOST_PROBES)
        true, _ = exact_knn(rows, matrix, min(10, len(matrix) - 1), sampled)
        probes = min(_MOST_PROBES, max(_LEAST_PROBES, probes_for(TARGET, near, cells[true])))
        return _list_by_cell(centroids, cells, probes)

    def rows(self, cell: int) -> Ids:
        """Return the rows of a cell, ascending."""
        return self.order[self.starts[cell] : self.starts[cell + 1]]

    def with_rows(self, cells: Ids) -> InvertedFile:
        """Append rows n to n + m - 1, given the cell of each, (m,); the centroids stay."""
        return _list_by_cell(self.centroids, np.concatenate([self._cells(), cells]), self.probes)

    def keeping(self, keep: NDArray[np.int64]) -> InvertedFile:
        """Keep only these rows, ascending, numbered anew; the centroids stay."""
        return _list_by_cell(self.centroids, self._cells()[keep], self.probes)

    def _cells(self) -> Ids:
        """Return the cell of each row, (n,)."""
        cells = np.empty(len(self.order), np.int32)
        cells[self.order] = np.repeat(np.arange(len(self.centroids), dtype=np.int32), np.diff(self.starts))
        return cells

    def search(self, queries: Matrix, matrix: Matrix, k: int) -> tuple[Ids, Matrix]:
        """Find approximately the ``k`` nearest rows of each query, nearest first, ties by row.

        Parameters
        ----------
        queries : (m, d) float32
        matrix : (n, d) float32
            The vectors that the inverted file was built on.
        k : int
            1 <= k <= n.

        Returns
        -------
        ids : (m, k) int32 row positions
        distances : (m, k) float32
            Exact euclidean distances to these rows.
        """
        ids, distances = np.empty((len(queries), k), np.int32), np.empty((len(queries), k), np.float32)
        for i, rows in enumerate(self.candidates(queries, k)):
            ids[i], distances[i] = (found[0] for found in rank(queries[i : i + 1], matrix, rows[None], k))
        return ids, distances

    def candidates(self, queries: Matrix, k: int) -> list[Ids]:
        """Return for each query the rows to compare with it, at least ``k``: those of its nearest cells."""
        wanted = -(-_ROWS_PER_NEIGHBOR * k * len(self.centroids) // len(self.order))
        near = nearest_centroids(queries, self.centroids, max(self.probes, wanted))
        held = np.where(near < 0, 0, np.diff(self.starts)[near]).sum(axis=1)  # -1: a damaged vector, far from all
        return [
            np.concatenate([self.rows(cell) for cell in cells if cell >= 0]) if enough >= k else self.order
            for cells, enough in zip(near.tolist(), held.tolist(), strict=True)
        ]

    def save(self, path: Path) -> None:
        """Write as safetensors."""
        from safetensors.numpy import save_file

        probes = np.array([self.probes], np.int64)
        with atomic_path(path) as temporary:
            save_file(
                {"centres": self.centroids, "order": self.order, "starts": self.starts, "probes": probes}, temporary
            )

    @classmethod
    def load(cls, path: Path, rows: int, dims: int) -> InvertedFile | None:
        """Read what `save` wrote for ``rows`` vectors of ``dims`` values.

        Returns
        -------
        InvertedFile or None
            None for a file of version 0.2 or before, whose few cells were only the beginning of a search.

        Raises
        ------
        ModelFormatError
            The file is missing, damaged, or not of these vectors.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            tensors = load_file(path)
            if "probes" not in tensors:
                return None
            centroids, order, starts = tensors["centres"], tensors["order"], tensors["starts"]
            probes = int(tensors["probes"][0])
        except (OSError, KeyError, IndexError, TypeError, ValueError, OverflowError, SafetensorError) as error:
            raise ModelFormatError(f"the search cells {path} cannot be read: {error}") from error
        typed = all(a.dtype == kind for a, kind in ((centroids, np.float32), (order, np.int32), (starts, np.int64)))
        shaped = centroids.ndim == 2 and centroids.shape[1] == dims and starts.shape == (len(centroids) + 1,)
        if not (typed and shaped and len(centroids) and order.shape == (rows,) and np.isfinite(centroids).all()):
            raise ModelFormatError(f"the search cells {path} are not of {rows} vectors; export the model again.")
        ends = (int(starts[0]), int(starts[-1])) == (0, rows) and bool((np.diff(starts) >= 0).all())
        if not (ends and probes > 0 and np.array_equal(np.sort(order), np.arange(rows))):
            raise ModelFormatError(f"the search cells {path} do not hold every row once; export the model again.")
        return cls(centroids, order, starts, probes)


def probes_for(target: float, near: Ids, cells: Ids) -> int:
    """Return how many of the nearest cells hold a share of at least ``target`` of the true neighbours.

    Parameters
    ----------
    target : float
    near : (m, p) int32
        The cells nearest to each of m rows.
    cells : (m, k) int32
        The cells of their true neighbours.

    Returns
    -------
    int
        p + 1 where p cells hold fewer.
    """
    found = (cells[:, :, None] == near[:, None]).sum(axis=(0, 1)).cumsum()
    return int(np.searchsorted(found, target * cells.size)) + 1


def _list_by_cell(centroids: Matrix, cells: Ids, probes: int) -> InvertedFile:
    """Sort rows by cell, given the cell of each row, (n,)."""
    starts = np.zeros(len(centroids) + 1, np.int64)
    np.cumsum(np.bincount(cells, minlength=len(centroids)), out=starts[1:])
    return InvertedFile(centroids, np.argsort(cells, kind="stable").astype(np.int32), starts, probes)
