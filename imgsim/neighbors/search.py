"""Which rows are nearest: exactly, or in very many rows along their neighbour graph."""

from __future__ import annotations

from threading import Lock

import numpy as np
from numpy.typing import NDArray

from imgsim.neighbors.exact import Ids, Matrix, exact_knn, radius_search, squared_norms
from imgsim.neighbors.ivf import Cells

EXACT_UP_TO = 200_000
"""Rows up to which search is exact."""
MOST_WANTED = 1_000
"""Rows wanted up to which a walk along the graph pays."""


class Searcher:
    """(n, d) float32 vectors that can be searched, with what is computed once for all searches.

    Parameters
    ----------
    matrix : (n, d) float32
    cells : Cells, optional
        Of the matrix; made when needed.

    Attributes
    ----------
    norms : (n,) float32
        Squared lengths of the vectors.
    """

    def __init__(self, matrix: Matrix, cells: Cells | None = None) -> None:
        self._matrix, self._cells = matrix, cells
        self.norms = squared_norms(matrix)
        self._making = Lock()

    @property
    def cells(self) -> Cells:
        """Entry points into the graph, made on first use."""
        with self._making:  # queries run on several threads
            if self._cells is None:
                self._cells = Cells.build(self._matrix)
            return self._cells

    def nearest(self, vectors: Matrix, k: int, neighbors: Ids, exact: bool) -> tuple[Ids, Matrix]:
        """The ``k`` nearest rows of each of (m, d) vectors as `imgsim.neighbors.exact.exact_knn` gives them.

        Up to 200,000 rows, for more than 1,000 wanted and with ``exact`` they are exact; else they are found along
        ``neighbors`` (n, g), see `imgsim.neighbors.ivf`.
        """
        if exact or len(self._matrix) <= EXACT_UP_TO or k > MOST_WANTED:
            return exact_knn(vectors, self._matrix, k, norms=self.norms)
        return self.cells.search(vectors, self._matrix, neighbors, k)

    def within(
        self, vectors: Matrix, radius: float, exclude: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.int64], Ids, Matrix]:
        """All rows within ``radius``; see `imgsim.neighbors.exact.radius_search`."""
        return radius_search(vectors, self._matrix, radius, exclude, self.norms)
