"""Graph of the distinct pictures: copies of one picture count once.

Copies are each other's neighbours, so they fill each other's lists: a picture with a copy looks less lonely than it
is, and the copies of one picture beyond k are found by nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imgsim.insights.duplicates.pictures import picture_ids
from imgsim.neighbors.graph import NeighborGraph, knn_of_rows

if TYPE_CHECKING:
    from imgsim.insights.measures import Traits
    from imgsim.references.references import References

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class DistinctPictures:
    """The distinct pictures among n images, and their graph.

    Parameters
    ----------
    graph : NeighborGraph
        Over the m distinct pictures; the graph of the images where there are no copies.
    first : (m,) int64
        First image of each picture.
    picture : (n,) int64
        Number of the picture of each image, 0 to m - 1.
    """

    graph: NeighborGraph
    first: Rows
    picture: Rows


def distinct_pictures(references: References, traits: Traits) -> DistinctPictures:
    """Find the distinct pictures (`picture_ids`, or equal embeddings) and the nearest others of each.

    Where a list of neighbours holds a copy, the picture is searched again among the distinct ones.
    """
    picture, first = _numbers(references, traits)
    graph = references.graph
    if len(first) == len(picture):
        return DistinctPictures(graph, first, picture)
    k = min(graph.k, len(first) - 1)
    neighbors, distances = picture[graph.neighbors[first]], graph.distances[first]
    listed = np.sort(np.concatenate([np.arange(len(first))[:, None], neighbors], axis=1), axis=1)
    again = np.flatnonzero((np.diff(listed, axis=1) == 0).any(axis=1))
    vectors = np.ascontiguousarray(references.embeddings[first])
    ids, distances = np.asarray(neighbors[:, :k], np.int32), distances[:, :k].copy()
    ids[again], distances[again] = knn_of_rows(vectors, again, k, graph.method)
    return DistinctPictures(NeighborGraph(ids, distances, graph.method), first, picture)


def distinct_vectors(graph: NeighborGraph) -> tuple[Rows, Rows]:
    """Find the distinct vectors; neighbours at distance 0 are equal.

    Returns
    -------
    number : (n,) int64
        Of the vector of each row.
    first : (m,) int64
        First row of each distinct vector.
    """
    rows, places = np.nonzero(graph.distances == 0)
    return _components(len(graph), rows, graph.neighbors[rows, places].astype(np.int64))


def _numbers(references: References, traits: Traits) -> tuple[Rows, Rows]:
    same = picture_ids(references, traits)
    vector, first = distinct_vectors(references.plain_graph)
    rows = np.arange(len(same))
    return _components(len(same), np.concatenate([rows, rows]), np.concatenate([same, first[vector]]))


def _components(count: int, a: Rows, b: Rows) -> tuple[Rows, Rows]:
    """Return the number of the component of each of ``count`` rows linked by pairs, and the first row of each."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    _, found = connected_components(coo_array((np.ones(len(a), bool), (a, b)), (count, count)), directed=False)
    _, first, number = np.unique(found, return_index=True, return_inverse=True)
    return number, first
