"""Updates of a k-NN graph: add or remove rows without searching for the neighbours of all others again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from imgsim.neighbors.exact import Ids, Matrix, exact_knn, rank, true_distances
from imgsim.neighbors.graph import NeighborGraph
from imgsim.neighbors.ivf import PROBES, InvertedFile
from imgsim.neighbors.partitioned.merge import nearest_distinct
from imgsim.neighbors.search import EXACT_UP_TO

Rows = NDArray[np.int64]
Edges = tuple[Rows, Rows, Matrix]
"""Sources, targets and distances, (e,) each."""
_BLOCK = 4096


def extended_graph(graph: NeighborGraph, matrix: Matrix) -> NeighborGraph:
    """Extend the graph of the first n rows to all rows of ``matrix`` (n + m, d).

    Each new row is searched exactly among all rows. Old rows keep their neighbours unless a new row is nearer, so an
    exact graph stays exact.
    """
    n, k = len(graph), min(max(graph.k, 1), len(matrix) - 1)
    new = np.arange(n, len(matrix))
    new_ids, new_distances = exact_knn(matrix[new], matrix, k, exclude=new)
    nearest_new, _ = exact_knn(matrix[:n], matrix[n:], min(k, len(new)))
    candidates = np.concatenate([graph.neighbors, nearest_new + n], axis=1).astype(np.int64)
    if candidates.shape[1] < k:  # the graph of very few rows gets more neighbours per row
        old_ids, old_distances = exact_knn(matrix[:n], matrix, k, exclude=np.arange(n))
    else:
        old_ids, old_distances = rank(matrix[:n], matrix, candidates, k)
    return NeighborGraph(
        np.concatenate([old_ids, new_ids]), np.concatenate([old_distances, new_distances]), graph.method
    )


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
    for start in range(0, len(incomplete) if k and len(keep) > EXACT_UP_TO else 0, _BLOCK):
        rows = incomplete[start : start + _BLOCK]
        near = graph.neighbors[keep[rows]]
        candidates = position[np.concatenate([near, graph.neighbors[near].reshape(len(rows), -1)], axis=1)]
        ids[rows], distances[rows] = _rank_candidates(matrix, rows, candidates, k)
    short = np.flatnonzero((ids < 0).any(axis=1))
    if len(short) and k:
        ids[short], distances[short] = exact_knn(matrix[short], matrix, k, exclude=short)
    return NeighborGraph(ids, distances, graph.method)


def extended_graph_by_ivf(
    graph: NeighborGraph, matrix: Matrix, index: InvertedFile
) -> tuple[NeighborGraph, InvertedFile]:
    """Extend the graph as `extended_graph` does, comparing new rows only with the rows of their nearest cells.

    One round of neighbours of neighbours then finds edges to rows of other cells.

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
    n, new = len(graph), np.arange(len(graph), len(matrix))
    near = exact_knn(matrix[n:], index.centroids, min(PROBES, len(index.centroids)))[0]
    extended = index.with_rows(near[:, 0])
    found = [_edges_in_cell(graph, matrix, *cell) for cell in _probed_cells(near, extended, n)]
    ids, distances = _nearest_targets(_concatenated([forward for forward, _ in found]), new, graph.k)
    ids, distances = _refined(graph, matrix, ids, distances)
    row, place = np.nonzero((ids >= 0) & (ids < n))
    back = (ids[row, place].astype(np.int64), new[row], distances[row, place])
    edges = _concatenated([back, *(backward for _, backward in found)])
    return _with_new_rows(graph, edges, ids, distances), extended


def _probed_cells(near: Ids, index: InvertedFile, n: int) -> Iterator[tuple[Rows, Rows]]:
    """Yield for each cell that is near to a new row: these new rows, and all rows of the cell."""
    order = np.argsort(near.ravel(), kind="stable")
    cell = near.ravel()[order]
    for group in np.split(np.arange(len(order)), np.flatnonzero(np.diff(cell)) + 1):
        yield np.sort(order[group] // near.shape[1]) + n, np.sort(index.rows(int(cell[group[0]]))).astype(np.int64)


def _edges_in_cell(graph: NeighborGraph, matrix: Matrix, new: Rows, members: Rows) -> tuple[Edges, Edges]:
    """Find the edges from new rows to their nearest members, and from old members to new rows that they would list."""
    k = graph.k
    inside, coming = np.ascontiguousarray(matrix[members]), matrix[new]
    found, distances = exact_knn(coming, inside, min(k + 1, len(members)))
    source, target = new.repeat(found.shape[1]), members[found].ravel()
    others = source != target
    forward = source[others], target[others], distances.ravel()[others]
    old = members < len(graph)
    found, distances = exact_knn(inside[old], coming, min(k, len(new)))
    row, place = np.nonzero(distances < graph.distances[members[old], -1][:, None])
    return forward, (members[old][row], new[found[row, place]], distances[row, place])


def _concatenated(edges: Sequence[Edges]) -> Edges:
    sources, targets, distances = (np.concatenate(part) for part in zip(*edges, strict=True))
    return sources, targets, distances


def _nearest_targets(edges: Edges, rows: Rows, k: int) -> tuple[Ids, Matrix]:
    """Select the k nearest distinct targets of each of the ascending ``rows``, ties by id; -1 at infinity if fewer."""
    source, target, distance = edges
    _, once = np.unique(np.stack([source, target]), axis=1, return_index=True)
    source, target, distance = source[once], target[once], distance[once]
    order = np.lexsort((target, distance, source))
    source, target, distance = source[order], target[order], distance[order]
    place = np.arange(len(source)) - np.searchsorted(source, source)
    kept = place < k
    ids, distances = np.full((len(rows), k), -1, np.int32), np.full((len(rows), k), np.inf, np.float32)
    where = np.searchsorted(rows, source[kept]), place[kept]
    ids[where], distances[where] = target[kept], distance[kept]
    return ids, distances


def _refined(graph: NeighborGraph, matrix: Matrix, ids: Ids, distances: Matrix) -> tuple[Ids, Matrix]:
    """Run one round of neighbours of neighbours for the new rows; those left with fewer than k are searched exactly."""
    n, k = len(graph), graph.k
    ids, distances = ids.copy(), distances.copy()
    for start in range(0, len(ids), _BLOCK):
        part = slice(start, start + _BLOCK)
        own = ids[part]
        beyond = np.where((own < 0) | (own >= n), 0, own)  # new rows have no list yet: row 0 stands in for them
        candidates = np.concatenate([own, graph.neighbors[beyond].reshape(len(own), -1)], axis=1)
        rows = np.arange(n + start, n + start + len(own))
        ids[part], distances[part] = _rank_candidates(matrix, rows, candidates, k)
    short = np.flatnonzero((ids < 0).any(axis=1))
    if len(short):
        ids[short], distances[short] = exact_knn(matrix[short + n], matrix, k, exclude=short + n)
    return ids, distances


def _rank_candidates(matrix: Matrix, rows: Rows, candidates: Ids, k: int) -> tuple[Ids, Matrix]:
    """Select the k nearest of each row's candidates (m, c), itself excluded; -1 is no candidate."""
    there = true_distances(matrix[rows], matrix, candidates)
    there[(candidates < 0) | (candidates == rows[:, None])] = np.inf
    return nearest_distinct(candidates, there, k)


def _with_new_rows(graph: NeighborGraph, edges: Edges, ids: Ids, distances: Matrix) -> NeighborGraph:
    """Insert ``edges`` (old row to new row) into the graph and append the new rows' lists ``ids``, ``distances``."""
    touched = np.unique(edges[0])
    more_ids, more_distances = _nearest_targets(edges, touched, graph.k)
    old_ids, old_distances = graph.neighbors.copy(), graph.distances.copy()
    old_ids[touched], old_distances[touched] = nearest_distinct(
        np.concatenate([old_ids[touched], more_ids], axis=1),
        np.concatenate([old_distances[touched], more_distances], axis=1),
        graph.k,
    )
    return NeighborGraph(np.concatenate([old_ids, ids]), np.concatenate([old_distances, distances]), graph.method)
