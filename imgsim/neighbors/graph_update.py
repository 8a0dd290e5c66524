"""Updates of a k-NN graph: add or remove rows without searching for the neighbours of all others again."""

from __future__ import annotations

import numpy as np

from imgsim.io.vectors import Matrix, Rows
from imgsim.neighbors import search
from imgsim.neighbors.exact import Ids, exact_knn, nearest_first, rank, true_distances
from imgsim.neighbors.graph import NeighborGraph
from imgsim.neighbors.ivf import InvertedFile
from imgsim.neighbors.kmeans import nearest_centroids
from imgsim.neighbors.partitioned.reverse import nearest_sources

_BLOCK = 4096


def extended_graph(graph: NeighborGraph, matrix: Matrix) -> NeighborGraph:
    """Extend the graph of the first n rows to all rows of ``matrix`` (n + m, d).

    Each new row is searched exactly among all rows. Old rows keep their neighbours unless a new row is nearer, so an
    exact graph stays exact. Rows that were too few for the k that was asked for get it (`NeighborGraph.k_of`).
    """
    n, k = len(graph), graph.k_of(len(matrix))
    new = np.arange(n, len(matrix))
    new_ids, new_distances = exact_knn(matrix[new], matrix, k, exclude=new)
    if graph.k < k:  # the old rows had too few others
        old_ids, old_distances = exact_knn(matrix[:n], matrix, k, exclude=np.arange(n))
    else:
        old_ids, old_distances = _with_nearer(graph, matrix, k)
    return _updated(graph, np.concatenate([old_ids, new_ids]), np.concatenate([old_distances, new_distances]))


def _with_nearer(graph: NeighborGraph, matrix: Matrix, k: int) -> tuple[Ids, Matrix]:
    """Return the lists of the first n rows, with the later rows of ``matrix`` that are nearer than their last."""
    n = len(graph)
    ids, distances = graph.neighbors[:, :k].copy(), graph.distances[:, :k].copy()
    nearest_new, there = exact_knn(matrix[:n], matrix[n:], min(k, len(matrix) - n))
    gaining = np.flatnonzero(there[:, 0] < distances[:, -1])
    candidates = np.concatenate([ids[gaining], nearest_new[gaining] + n], axis=1).astype(np.int64)
    ids[gaining], distances[gaining] = rank(matrix[gaining], matrix, candidates, k)
    return ids, distances


def shrunk_graph(graph: NeighborGraph, keep: Rows, matrix: Matrix) -> NeighborGraph:
    """Reduce the graph to the rows ``keep`` (ascending positions), whose vectors are ``matrix`` (len(keep), d).

    Rows that lost a neighbour are searched again. Up to 200,000 rows the search is exact, so an exact graph stays
    exact; above, it compares the neighbours of the row's old neighbours, removed ones included.
    """
    k = min(graph.k, len(keep) - 1)
    position = np.full(len(graph), -1, np.int32)
    position[keep] = np.arange(len(keep), dtype=np.int32)
    ids, distances = position[graph.neighbors[keep]][:, :k], graph.distances[keep][:, :k].copy()
    incomplete = np.flatnonzero((ids < 0).any(axis=1))
    for start in range(0, len(incomplete) if k and len(keep) > search.EXACT_UP_TO else 0, _BLOCK):
        rows = incomplete[start : start + _BLOCK]
        near = graph.neighbors[keep[rows]]
        candidates = position[np.concatenate([near, graph.neighbors[near].reshape(len(rows), -1)], axis=1)]
        ids[rows], distances[rows] = rank(matrix[rows], matrix, candidates, k, rows)
    short = np.flatnonzero((ids < 0).any(axis=1))
    if len(short) and k:
        ids[short], distances[short] = exact_knn(matrix[short], matrix, k, exclude=short)
    return _updated(graph, ids, distances)


def extended_graph_in_cells(
    graph: NeighborGraph, matrix: Matrix, index: InvertedFile
) -> tuple[NeighborGraph, InvertedFile]:
    """Extend the graph as `extended_graph` does, comparing new rows only with the rows of their nearest cells.

    Parameters
    ----------
    graph : NeighborGraph
        Of the first n rows.
    matrix : (n + m, d) float32
    index : InvertedFile
        Of the first n rows.

    Returns
    -------
    NeighborGraph
        Of all rows; its recall is close to that of a graph built anew.
    InvertedFile
        Of all rows, with the same centroids.
    """
    n, k, new = len(graph), graph.k, matrix[len(graph) :]
    extended = index.with_rows(nearest_centroids(new, index.centroids, 1)[:, 0])
    ids, distances = np.empty((len(new), k), np.int32), np.empty((len(new), k), np.float32)
    edges = [(np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.float32))]
    for start in range(0, len(new), _BLOCK):
        for i, held in enumerate(extended.candidates(new[start : start + _BLOCK], k + 1), start):
            rows = held[held != n + i]
            there = true_distances(new[i : i + 1], matrix, rows[None])
            ids[i], distances[i] = (found[0] for found in nearest_first(rows[None], there, k))
            old, far = rows[rows < n], there[0, rows < n]
            gains = far < graph.distances[old, -1]
            edges.append((np.full(int(gains.sum()), n + i, np.int32), old[gains], far[gains]))
    source, target, distance = (np.concatenate(part) for part in zip(*edges, strict=True))
    old_ids, old_distances = _with_edges(graph, *nearest_sources(source, target, distance, k))
    both = np.concatenate([old_ids, ids]), np.concatenate([old_distances, distances])
    return _updated(graph, *both), extended


def _with_edges(graph: NeighborGraph, source: Ids, target: Ids, distance: Matrix) -> tuple[Ids, Matrix]:
    """Insert rows ``source`` into the lists of the rows ``target``, of which each has at most k; sorted by target."""
    touched, first, count = np.unique(target, return_index=True, return_counts=True)
    more_ids = np.full((len(touched), graph.k), -1, np.int32)
    more_distances = np.full((len(touched), graph.k), np.inf, np.float32)
    where = np.repeat(np.arange(len(touched)), count), np.arange(len(target)) - np.repeat(first, count)
    more_ids[where], more_distances[where] = source, distance
    ids, distances = graph.neighbors.copy(), graph.distances.copy()
    ids[touched], distances[touched] = nearest_first(
        np.concatenate([ids[touched], more_ids], axis=1),
        np.concatenate([distances[touched], more_distances], axis=1),
        graph.k,
    )
    return ids, distances


def _updated(graph: NeighborGraph, ids: Ids, distances: Matrix) -> NeighborGraph:
    """Return a graph by the same method, asked for the same k."""
    return NeighborGraph(ids, distances, graph.method, wanted=graph.wanted or graph.k)
