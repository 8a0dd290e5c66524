"""Calls into faiss, the only ones that pass it pointers: candidates by matrix products, distances from differences.

faiss is imported when it is first called. Queries of a server come one or few at a time on many threads, so few queries
are answered on the thread that asks.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imgsim.io.vectors import Matrix, Rows

Mask = NDArray[np.bool_]
ONE_THREAD_UP_TO = 64
"""Queries that are answered on one thread."""


@dataclass
class _Threads:
    """Threads of OpenMP: started by this process, or lost because it was forked from one that had started them."""

    started: bool = False
    lost: bool = False

    def forked(self) -> None:
        self.lost = self.lost or self.started


_threads = _Threads()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_threads.forked)


def load_faiss() -> Any:
    """Import faiss; on macOS allow another OpenMP beside its own."""
    if sys.platform == "darwin":
        os.environ.setdefault("KMP_DUPLICATE_LIB_OK", "TRUE")
    import faiss

    return faiss


@contextmanager
def _faiss(queries: int) -> Iterator[Any]:
    """Import faiss, limited to one thread where there are few ``queries``; the limit is of this thread alone.

    On macOS it always is: wheels of torch and of faiss bring an OpenMP each, which refuse each other's company, and
    crash in parallel regions (faiss-wheels issue 73). So it is in a process that was forked from one with such threads,
    as a worker of torch's DataLoader is: GNU's OpenMP would wait for threads that the fork did not copy.
    """
    faiss = load_faiss()
    threads = faiss.omp_get_max_threads()
    if sys.platform == "darwin" or _threads.lost or queries <= ONE_THREAD_UP_TO:
        faiss.omp_set_num_threads(1)
    else:
        _threads.started = True
    try:
        yield faiss
    finally:
        faiss.omp_set_num_threads(threads)


def nearest_products(queries: Matrix, references: Matrix, count: int, among: Mask | None) -> tuple[Matrix, Any]:
    """Find the references with the ``count`` smallest squared distances by matrix product, smallest first.

    Parameters
    ----------
    queries : (m, d) float32
    references : (n, d) float32
    count : int
        1 <= count <= n, or the number of rows ``among``.
    among : (n,) bool or None
        Only these references can be found.

    Returns
    -------
    squared : (m, count) float32
        Exact to within `imgsim.neighbors.exact.error_bound`.
    rows : (m, count) int64
    """
    queries, references = _checked(queries, references)
    squared, rows = np.empty((len(queries), count), np.float32), np.empty((len(queries), count), np.int64)
    with _faiss(len(queries)) as faiss:
        selector, _bits = _selector(faiss, among, len(references))
        given = [faiss.swig_ptr(array) for array in (queries, references)]
        found = [faiss.swig_ptr(array) for array in (squared, rows)]
        faiss.knn_L2sqr(*given, queries.shape[1], len(queries), len(references), count, *found, None, selector)
    return squared, rows


def products_within(
    queries: Matrix, references: Matrix, squared: float, among: Mask | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find all pairs whose squared distance by matrix product is at most ``squared``: queries and references, (e,)."""
    queries, references = _checked(queries, references)
    limit = float(np.nextafter(np.float32(squared), np.float32(np.inf)))  # faiss finds what is below
    with _faiss(len(queries)) as faiss:
        selector, _bits = _selector(faiss, among, len(references))
        found = faiss.RangeSearchResult(len(queries))
        given = [faiss.swig_ptr(array) for array in (queries, references)]
        faiss.range_search_L2sqr(*given, queries.shape[1], len(queries), len(references), limit, found, selector)
        ends = faiss.rev_swig_ptr(found.lims, len(queries) + 1).astype(np.int64)
        columns = faiss.rev_swig_ptr(found.labels, int(ends[-1])).copy() if ends[-1] else np.empty(0, np.int64)
    return np.repeat(np.arange(len(queries)), np.diff(ends)), columns


def squared_distances(queries: Matrix, references: Matrix, candidates: NDArray[np.integer]) -> Matrix:
    """Compute squared distances from differences of queries (m, d) to their candidates (m, c); infinite to -1.

    The bits of a distance depend on the two vectors alone.
    """
    queries, references = _checked(queries, references)
    rows = np.ascontiguousarray(candidates, np.int64)
    inside = not rows.size or -1 <= int(rows.min()) <= int(rows.max()) < len(references)
    if rows.shape[0] != len(queries) or not inside:
        raise IndexError(
            f"candidates lie outside of {len(references)} rows, or are not those of {len(queries)} queries"
        )
    squared = np.empty(rows.shape, np.float32)
    with _faiss(len(queries)) as faiss:
        given = [faiss.swig_ptr(array) for array in (squared, queries, references, rows)]
        faiss.fvec_L2sqr_by_idx(*given, queries.shape[1], *rows.shape)
    return squared


def _checked(queries: Matrix, references: Matrix) -> tuple[Matrix, Matrix]:
    """Return both as faiss reads them: it trusts shapes and types."""
    if queries.shape[1] != references.shape[1]:
        raise ValueError(f"vectors of {queries.shape[1]} and of {references.shape[1]} values have no distance")
    return np.ascontiguousarray(queries, np.float32), np.ascontiguousarray(references, np.float32)


def _selector(faiss: Any, among: Mask | None, rows: int) -> tuple[Any, Any]:
    """Return a selector of rows and the bits that it points to."""
    if among is None:
        return None, None
    if len(among) != rows:
        raise ValueError(f"a mask of {len(among)} rows does not choose among {rows}")
    bits = np.packbits(among, bitorder="little")
    return faiss.IDSelectorBitmap(len(among), faiss.swig_ptr(bits)), bits


def search_in_cells(
    matrix: Matrix, centroids: Matrix, near: NDArray[np.int32], count: int
) -> Callable[[Rows], NDArray[np.int64]]:
    """Return a search for the ``count`` nearest rows of some rows in their cells ``near`` (n, p), themselves included.

    It takes rows (m,) and returns (m, count) int64, -1 where the cells hold fewer. Each row is listed in its first
    cell. The vectors are copied, cell after cell.
    """
    matrix, centroids = _checked(matrix, centroids)
    if len(near) != len(matrix) or not 0 <= int(near.min()) <= int(near.max()) < len(centroids):
        raise IndexError(f"cells lie outside of {len(centroids)}, or are not those of {len(matrix)} rows")
    faiss = load_faiss()
    quantizer = faiss.IndexFlatL2(matrix.shape[1])
    quantizer.add(centroids)
    index = faiss.IndexIVFFlat(quantizer, matrix.shape[1], len(centroids))
    index.nprobe, index.ntotal, index.is_trained = near.shape[1], len(matrix), True
    index.parallel_mode = 3  # over queries: this call is on one thread otherwise
    order = np.argsort(near[:, 0], kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(near[order, 0])) + 1):
        codes = matrix[rows].view(np.uint8)
        index.invlists.add_entries(int(near[rows[0], 0]), len(rows), faiss.swig_ptr(rows), faiss.swig_ptr(codes))

    def search(rows: Rows) -> NDArray[np.int64]:
        cells = near[rows].astype(np.int64)
        with _faiss(len(rows)):
            found = index.search_preassigned(matrix[rows], count, cells, np.zeros(cells.shape, np.float32))[1]
        return np.asarray(found, np.int64)

    return search
