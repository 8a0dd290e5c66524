"""Items to judge: pictures with one of their labels each, and the labels that the neighbours vote for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imgsim.evaluation import nearest_pictures
from imgsim.neighbors.graph import NeighborGraph

Rows = NDArray[np.int64]
Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Items:
    """Different pictures, once for each of their labels: copies of a picture with the same label are one item.

    Parameters
    ----------
    rows : (i,) int64
        First row of each item.
    codes : (i,) int64
        Code of its label, c for none.
    pictures : (i,) int64
        First row of its picture.
    of_row : (n,) int64
        Item of each row.
    graph : NeighborGraph
        The nearest other pictures of each item, as rows, (i, k).
    voted : (i, k) int64
        Code of the label that each of these votes for: the most frequent one of its copies; c for none, and where two
        labels are equally frequent.
    """

    rows: Rows
    codes: Codes
    pictures: Rows
    of_row: Rows
    graph: NeighborGraph
    voted: Codes


def items_of(matrix: NDArray[np.float32], graph: NeighborGraph, codes: Codes, pictures: Rows, none: int) -> Items:
    """Collect the items of n images.

    Parameters
    ----------
    matrix : (n, d) float32
    graph : NeighborGraph
    codes : (n,) int64
        Codes of the labels, 0 to ``none`` - 1; ``none`` for images without a label.
    pictures : (n,) int64
        For each row the first row of the same picture.
    """
    keys, rows, of_row, counts = np.unique(
        pictures * (none + 1) + codes, return_index=True, return_inverse=True, return_counts=True
    )
    picture, code = np.divmod(keys, none + 1)
    near = nearest_pictures(matrix, graph, pictures, graph.k)
    around = NeighborGraph(near.neighbors[rows], near.distances[rows], near.method)
    votes = _votes(picture, code, counts, len(matrix), none)
    return Items(rows, code, picture, of_row.reshape(-1), around, votes[pictures[around.neighbors]])


def _votes(pictures: Rows, codes: Codes, counts: Rows, rows: int, none: int) -> Codes:
    """Return the most frequent label of each picture, (rows,) by its first row; ``none`` where two are."""
    order = np.lexsort((-counts, codes == none, pictures))
    picture, code, count = pictures[order], codes[order], counts[order]
    first = np.append(True, picture[1:] != picture[:-1])
    tied = np.append((picture[1:] == picture[:-1]) & (count[1:] == count[:-1]) & (code[1:] < none), False)
    votes = np.full(rows, none)
    votes[picture[first]] = np.where(tied[first], none, code[first])
    return votes
