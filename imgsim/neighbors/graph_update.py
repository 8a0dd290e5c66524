"""The graph of more rows, or of fewer, from the graph there is: what is not touched is not searched again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from imgsim.neighbors.exact import Ids, Matrix, exact_knn, rank, true_distances
from imgsim.neighbors.graph import NeighborGraph
from imgsim.neighbors.ivf import PROBES, Cells
from imgsim.neighbors.partitioned.merge import nearest
from imgsim.neighbors.search import EXACT_UP_TO

Rows = NDArray[np.int64]
Edges = tuple[Rows, Rows, Matrix]
_BLOCK = 4096


def extended_graph(graph: NeighborGraph, matrix: Matrix) -> NeighborGraph:
    """The graph over all rows of ``matrix`` (n + m, d), given it over the first n.

    New rows are searched exactly among all; old rows keep their neighbours unless a new row is nearer,
    so an exact graph stays exact.
    """
    n, k = len(graph), min(max(graph.k, 1), len(matrix) - 1)
    new = np.arange(n, len(matrix))
    new_ids, new_distances = exact_knn(matrix[new], matrix, k, exclude=new)
    nearest_new, _ = exact_knn(matrix[:n], matrix[n:], min(k, len(new)))
    candidates = np.concatenate([graph.neighbors, nearest_new + n], axis=1).astype(np.int64)
    if candidates.shape[1] < k:  # a graph of very few rows grows wider
        old_ids, old_distances = exact_knn(matrix[:n], matrix, k, exclude=np.arange(n))
    else:
        old_ids, old_distances = rank(matrix[:n], matrix, candidates, k)
    return NeighborGraph(
        np.concatenate([old_ids, new_ids]), np.concatenate([old_distances, new_distances]), graph.method
    )


def shrunk_graph(graph: NeighborGraph, keep: Rows, matrix: Matrix) -> NeighborGraph:
    """The graph over the kept rows, ``matrix`` (len(keep), d).

    Rows that lost a neighbour are searched again: among all, so that an exact graph stays exact; among the neighbours
    of their neighbours, the lost ones' too, where there are more than 200,000.
    """
    k = min(graph.k, len(keep) - 1)
    position = np.full(len(graph), -1, np.int32)
    position[keep] = np.arange(len(keep), dtype=np.int32)
    ids, distances = position[graph.neighbors[keep]][:, :k], graph.distances[keep][:, :k].copy()
    hurt = np.flatnonzero((ids < 0).any(axis=1))
    for start in range(0, len(hurt) if k and len(keep) > EXACT_UP_TO else 0, _BLOCK):
        rows = hurt[start : start + _BLOCK]
        near = graph.neighbors[keep[rows]]
        candidates = position[np.concatenate([near, graph.neighbors[near].reshape(len(rows), -1)], axis=1)]
        ids[rows], distances[rows] = _nearest_of(matrix, rows, candidates, k)
    short = np.flatnonzero((ids < 0).any(axis=1))
    if len(short) and k:
        ids[short], distances[short] = exact_knn(matrix[short], matrix, k, exclude=short)
    return NeighborGraph(ids, distances, graph.method)


def extended_along_cells(graph: NeighborGraph, matrix: Matrix, cells: Cells) -> tuple[NeighborGraph, Cells]:
    """As `extended_graph`, for very many rows: new rows meet only the rows of the cells that lie nearest to them.

    Then the rows that a new row's neighbours list are looked at too, so edges across the border of a cell are found.

    Parameters
    ----------
    graph : NeighborGraph
        Over the first n rows.
    matrix : (n + m, d) float32
    cells : Cells
        Of the first n rows.

    Returns
    -------
    NeighborGraph
        Over all rows, nearly as good as one that is built anew.
    Cells
        Of all rows; the centres stay.
    """
    n, new = len(graph), np.arange(len(graph), len(matrix))
    near = exact_knn(matrix[n:], cells.centres, min(PROBES, len(cells.centres)))[0]
    grown = cells.with_rows(near[:, 0])
    met = [_meet(graph, matrix, *visit) for visit in _visits(near, grown, n)]
    ids, distances = _lists(_joined([forward for forward, _ in met]), new, graph.k)
    ids, distances = _refined(graph, matrix, ids, distances)
    row, place = np.nonzero((ids >= 0) & (ids < n))
    back = (ids[row, place].astype(np.int64), new[row], distances[row, place])
    return _grown(graph, _joined([back, *(backward for _, backward in met)]), ids, distances), grown


def _visits(near: Ids, cells: Cells, n: int) -> Iterator[tuple[Rows, Rows]]:
    """For each cell that new rows come to: those rows, and all rows it holds."""
    order = np.argsort(near.ravel(), kind="stable")
    cell = near.ravel()[order]
    for group in np.split(np.arange(len(order)), np.flatnonzero(np.diff(cell)) + 1):
        yield np.sort(order[group] // near.shape[1]) + n, np.sort(cells.rows(int(cell[group[0]]))).astype(np.int64)


def _meet(graph: NeighborGraph, matrix: Matrix, new: Rows, members: Rows) -> tuple[Edges, Edges]:
    """Edges from new rows to the nearest members, and from members to new rows nearer than their farthest neighbour."""
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


def _joined(edges: Sequence[Edges]) -> Edges:
    sources, targets, distances = (np.concatenate(part) for part in zip(*edges, strict=True))
    return sources, targets, distances


def _lists(edges: Edges, rows: Rows, k: int) -> tuple[Ids, Matrix]:
    """The k nearest distinct targets of each of the ascending ``rows``, ties by id; -1 at infinity where fewer."""
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
    """One round of neighbours of neighbours for the new rows; those still short of k are searched among all."""
    n, k = len(graph), graph.k
    ids, distances = ids.copy(), distances.copy()
    for start in range(0, len(ids), _BLOCK):
        part = slice(start, start + _BLOCK)
        own = ids[part]
        beyond = np.where((own < 0) | (own >= n), 0, own)  # row 0 is as good as any where there is none
        candidates = np.concatenate([own, graph.neighbors[beyond].reshape(len(own), -1)], axis=1)
        ids[part], distances[part] = _nearest_of(matrix, np.arange(n + start, n + start + len(own)), candidates, k)
    short = np.flatnonzero((ids < 0).any(axis=1))
    if len(short):
        ids[short], distances[short] = exact_knn(matrix[short + n], matrix, k, exclude=short + n)
    return ids, distances


def _nearest_of(matrix: Matrix, rows: Rows, candidates: Ids, k: int) -> tuple[Ids, Matrix]:
    """The k nearest of each row's candidates (m, c) but itself; -1 is none."""
    there = true_distances(matrix[rows], matrix, candidates)
    there[(candidates < 0) | (candidates == rows[:, None])] = np.inf
    return nearest(candidates, there, k)


def _grown(graph: NeighborGraph, edges: Edges, ids: Ids, distances: Matrix) -> NeighborGraph:
    """The graph with ``edges`` from old rows to new ones, and the lists of the new rows below."""
    touched = np.unique(edges[0])
    more = _lists(edges, touched, graph.k)
    old_ids, old_distances = graph.neighbors.copy(), graph.distances.copy()
    old_ids[touched], old_distances[touched] = nearest(
        np.concatenate([old_ids[touched], more[0]], axis=1),
        np.concatenate([old_distances[touched], more[1]], axis=1),
        graph.k,
    )
    return NeighborGraph(np.concatenate([old_ids, ids]), np.concatenate([old_distances, distances]), graph.method)
