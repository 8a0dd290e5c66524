"""Search for the nearest rows: exact, or approximate in very many rows."""

from __future__ import annotations

from functools import cached_property
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from imgsim.io.vectors import Matrix
from imgsim.neighbors.exact import Ids, exact_knn, longest_squared, radius_search
from imgsim.neighbors.ivf import InvertedFile

EXACT_UP_TO = 200_000
"""Rows up to which search is exact."""
MOST_WANTED = 1_000
"""Neighbours up to which approximate search is used."""

Mask = NDArray[np.bool_]


class Searcher:
    """Nearest-neighbour search over a matrix of vectors.

    Parameters
    ----------
    matrix : (n, d) float32
    cells : InvertedFile, optional
        Index of the matrix for approximate search; made when it is needed.
    """

    def __init__(self, matrix: Matrix, cells: InvertedFile | None = None) -> None:
        self._matrix, self._cells = matrix, cells
        self._making = Lock()

    @property
    def is_approximate(self) -> bool:
        """Return whether there are so many rows that search is approximate."""
        return len(self._matrix) > EXACT_UP_TO

    @property
    def cells(self) -> InvertedFile:
        """The index of approximate search, made on first use."""
        with self._making:  # queries run on several threads
            if self._cells is None:
                self._cells = InvertedFile.build(self._matrix)
            return self._cells

    @property
    def built_cells(self) -> InvertedFile | None:
        """The index of approximate search if it is made already."""
        return self._cells

    def nearest(self, vectors: Matrix, k: int, among: Mask | None = None, exact: bool = False) -> tuple[Ids, Matrix]:
        """Return the ``k`` nearest rows of each vector, nearest first; equal distances by row.

        Search is exact up to 200,000 rows, for more than 1,000 neighbours, with ``among`` and with ``exact``; else
        approximate (`imgsim.neighbors.ivf`).

        Parameters
        ----------
        vectors : (m, d) float32
        k : int
            At least 1.
        among : (n,) bool, optional
            Only these rows can be found.
        exact : bool
            Compare with every row, however many there are.

        Returns
        -------
        rows : (m, c) int32
            ``c`` is ``k``, or the number of rows that can be found if that is smaller.
        distances : (m, c) float32
        """
        if among is None:
            k = min(k, len(self._matrix))
            if self.is_approximate and not exact and k <= MOST_WANTED:
                return self.cells.search(vectors, self._matrix, k)
        else:
            k = min(k, int(np.count_nonzero(among)))
        return exact_knn(vectors, self._matrix, k, longest=self._longest, among=among)

    def within(
        self,
        vectors: Matrix,
        radius: float,
        exclude: NDArray[np.int64] | None = None,
        among: Mask | None = None,
    ) -> tuple[NDArray[np.int64], Ids, Matrix]:
        """Return all rows within ``radius`` of each vector; see `imgsim.neighbors.exact.radius_search`."""
        return radius_search(vectors, self._matrix, radius, exclude, self._longest, among)

    @cached_property
    def _longest(self) -> float:
        return longest_squared(self._matrix)
