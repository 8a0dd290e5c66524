"""Candidate pairs of duplicates: neighbours in the graph, and on request pictures that agree when one is turned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imgsim.insights.descriptor import CELLS, TURNS, Descriptors, Floats, is_blank, outlines, turn_planes
from imgsim.neighbors.graph import knn_of_rows

if TYPE_CHECKING:
    from imgsim.references.references import References

Rows = NDArray[np.int64]
Pairs = NDArray[np.int64]

_BITS = 32  # of a row, in a number for a pair: numbers are sorted faster than pairs
_BLOCK = 65_536
_AXES = 16
_NEAREST = 4
_RAMP = 0.3  # distance of outlines (of length 1) beyond which two pictures are never the same


def first_of_content(sha256: Sequence[str]) -> Rows:
    """Return for each row the first row with the same bytes, (n,); a row without a hash is its own."""
    keys = np.array(sha256, "S")
    _, at, content = np.unique(keys, return_index=True, return_inverse=True)
    return np.where(keys == b"", np.arange(len(keys)), at[content])


def neighbor_pairs(references: References, first: Rows) -> Pairs:
    """Return pairs of images with different bytes that are neighbours in the graph, (m, 2), lower row first.

    Files of the same bytes count as one image, the first. An image whose neighbours are mostly copies has few other
    neighbours: if fewer than half of its k are different images, it is searched again among all different images.
    """
    distinct = np.flatnonzero(first == np.arange(len(first)))
    graph = references.plain_graph
    k = graph.k
    if k == 0 or len(distinct) < 2:
        return np.empty((0, 2), np.int64)
    others, keys = np.empty(len(distinct), np.int64), []
    for start in range(0, len(distinct), _BLOCK):
        rows = distinct[start : start + _BLOCK]
        found = first[graph.neighbors[rows]]
        ordered = np.sort(np.where(found == rows[:, None], -1, found), axis=1)
        others[start : start + _BLOCK] = (np.diff(ordered, axis=1, prepend=-1) > 0).sum(axis=1)
        keys.append(_keys(np.repeat(rows, k), found.ravel()))
    incomplete = np.flatnonzero(others < min((k + 1) // 2, len(distinct) - 1))
    if len(incomplete):
        vectors = references.plain_embeddings
        keys.append(_search_again(vectors, distinct, incomplete, min(k, len(distinct) - 1), graph.method))
    return _pairs(np.unique(np.concatenate(keys)))


def _search_again(matrix: Floats, distinct: Rows, incomplete: Rows, k: int, method: str) -> Rows:
    ids, _ = knn_of_rows(np.ascontiguousarray(matrix[distinct]), incomplete, k, method)
    return _keys(np.repeat(distinct[incomplete], k), distinct[ids].ravel())


def turned_pairs(descriptors: Descriptors, rows: Rows, turns: Sequence[int]) -> Pairs:
    """Return pairs among ``rows`` that may show one picture in different orientations, (m, 2).

    The embeddings of a picture and of the same one turned differ, so the graph has only half of these pairs. Here
    every outline is turned to a common orientation (the brightest side up), and a k-d tree finds its few nearest.
    """
    from scipy.spatial import cKDTree

    rows = rows[~is_blank(descriptors[rows])]
    if len(rows) < 2:
        return np.empty((0, 2), np.int64)
    turned = _in_common_orientation(outlines(descriptors[rows]), _all_turns(turns))
    centred = turned - turned.mean(axis=0)
    _, directions = np.linalg.eigh(centred.T @ centred)
    flat = centred @ directions[:, -_AXES:]
    distances, near = cKDTree(flat).query(flat, k=min(_NEAREST + 1, len(rows)), distance_upper_bound=_RAMP)
    there = np.isfinite(distances)
    return _pairs(_keys(np.repeat(rows, there.sum(axis=1)), rows[near[there]]))


def _all_turns(turns: Sequence[int]) -> list[int]:
    """Return all turns that a sequence of ``turns`` can give: mirrored, then flipped is rotated 180."""
    turned = any(turn & 4 for turn in turns)
    mirrored = any(bin(turn).count("1") % 2 for turn in turns if turn < 4) or any(turn in (4, 7) for turn in turns)
    if turned and mirrored:
        return list(range(len(TURNS)))
    return [0, 3, 5, 6] if turned else [0, 1, 2, 3]


def _in_common_orientation(pictures: Floats, turns: Sequence[int]) -> Floats:
    """Turn each picture (n, 8, 8) by the one of ``turns`` that puts most light above, then to the left; (n, 64)."""
    fall = np.linspace(1, -1, CELLS, dtype=np.float32)
    light = np.add.outer(fall, np.float32(0.4) * fall)
    every = np.stack([turn_planes(pictures, turn) for turn in turns]).reshape(len(turns), len(pictures), -1)
    best = (every @ light.ravel()).argmax(axis=0)
    return np.asarray(every[best, np.arange(len(pictures))], np.float32)


def _keys(a: Rows, b: Rows) -> Rows:
    """Return a number for each distinct pair of different rows: the lower row, then the other."""
    low, high = np.minimum(a, b).astype(np.int64), np.maximum(a, b)
    return np.unique((low << _BITS | high)[low < high])


def _pairs(keys: Rows) -> Pairs:
    """Return the pairs of rows that numbers stand for, (m, 2), lower row first."""
    return np.stack([keys >> _BITS, keys & (1 << _BITS) - 1], axis=1)
