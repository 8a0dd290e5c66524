"""Neighbours of pictures: copies of one picture count once, and never as neighbours of each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imgsim.neighbors.graph import NeighborGraph, knn_of_rows

Matrix = NDArray[np.float32]
Ids = NDArray[np.int32]
Rows = NDArray[np.int64]


def nearest_pictures(matrix: Matrix, graph: NeighborGraph, pictures: Rows | None, k: int) -> NeighborGraph:
    """Return the ``k`` nearest other pictures of each row, each by its nearest copy.

    Where copies leave fewer than ``k`` in the graph, it is searched deeper.

    Parameters
    ----------
    matrix : (n, d) float32
    graph : NeighborGraph
        Over the same rows.
    pictures : (n,) int64, optional
        Equal numbers for rows of the same picture (`imgsim.insights.duplicates.pictures.picture_ids`); default: every
        row is a picture of its own.
    k : int
        Cut to the number of other pictures.

    Returns
    -------
    NeighborGraph
        (n, k); ties by row.
    """
    count = len(matrix) if pictures is None else len(np.unique(pictures))
    k = max(0, min(k, count - 1))
    if pictures is None or count == len(matrix) or k == 0:
        return graph.cut(k)
    first = _first_equal(matrix, pictures)
    distinct = np.flatnonzero(first == np.arange(len(first)))
    ids, distances, complete = _one_per_picture(
        graph.neighbors[distinct], graph.distances[distinct], pictures, pictures[distinct], k
    )
    depth = k
    while not complete.all():
        todo = np.flatnonzero(~complete)
        depth = min(2 * depth, len(distinct) - 1)
        deeper = _search(matrix, distinct, todo, depth, graph.method)
        found = _one_per_picture(*deeper, pictures, pictures[distinct[todo]], k)
        ids[todo], distances[todo], complete[todo] = found
    position = np.searchsorted(distinct, first)
    return NeighborGraph(ids[position], distances[position], graph.method)


def _first_equal(matrix: Matrix, pictures: Rows) -> Rows:
    """Return for each row the first row of the same picture with the same vector, (n,)."""
    copied = np.flatnonzero(np.bincount(pictures)[pictures] > 1)
    vectors = np.ascontiguousarray(matrix[copied] + np.float32(0))  # -0 becomes 0
    _, same = np.unique(vectors.view(np.dtype((np.void, vectors.strides[0]))), return_inverse=True)
    _, at, inverse = np.unique(
        pictures[copied] * len(matrix) + same.reshape(-1), return_index=True, return_inverse=True
    )
    first = np.arange(len(matrix))
    first[copied] = copied[at][inverse.reshape(-1)]
    return first


def _one_per_picture(
    neighbors: Ids, distances: Matrix, pictures: Rows, own: Rows, k: int
) -> tuple[Ids, Matrix, NDArray[np.bool_]]:
    """Keep the nearest copy of each other picture in lists of neighbours (m, l), the first ``k`` of them.

    The third result says which lists hold that many, (m,); the others are filled with any neighbours.
    """
    listed = pictures[neighbors]
    order = np.argsort(listed, axis=1, kind="stable")
    ordered = np.take_along_axis(listed, order, axis=1)
    drop = np.empty(listed.shape, bool)
    np.put_along_axis(drop, order, np.diff(ordered, axis=1, prepend=-1) == 0, axis=1)
    drop |= listed == own[:, None]
    nearest = np.argsort(drop, axis=1, kind="stable")[:, :k]
    missing = ((0, 0), (0, k - nearest.shape[1]))
    ids = np.pad(np.take_along_axis(neighbors, nearest, axis=1), missing)
    kept = np.pad(np.take_along_axis(distances, nearest, axis=1), missing)
    return ids, kept, np.asarray((~drop).sum(axis=1) >= k)


def _search(matrix: Matrix, distinct: Rows, todo: Rows, k: int, method: str) -> tuple[Ids, Matrix]:
    """Search the ``k`` nearest of rows ``distinct[todo]`` among the rows ``distinct``."""
    ids, distances = knn_of_rows(np.ascontiguousarray(matrix[distinct]), todo, k, method)
    return distinct[ids].astype(np.int32), distances
