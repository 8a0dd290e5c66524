"""Which pairs of images are worth a look: neighbours in the graph, and on request pictures laid alike another way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imgsim.insights.descriptor import PLACES, TURNS, Descriptors, Floats, is_blank, outlines, turn_planes
from imgsim.neighbors.exact import exact_knn
from imgsim.neighbors.graph import EXACT_BELOW, build_graph

if TYPE_CHECKING:
    from imgsim.references.references import References

Rows = NDArray[np.int64]
Pairs = NDArray[np.int64]

_AXES = 16
_NEAREST = 4
_RAMP = 0.3  # distance of outlines of length 1, beyond which two pictures are never the same


def first_of_content(sha256: Sequence[str]) -> Rows:
    """(n,) for each row the first row with the same bytes; rows without a hash are their own."""
    first: dict[str, int] = {}
    return np.array([first.setdefault(key, row) if key else row for row, key in enumerate(sha256)], np.int64)


def neighbor_pairs(references: References, first: Rows) -> Pairs:
    """(m, 2) distinct pairs, lower row first, of contents that are neighbours in the graph.

    Copies of the same bytes stand for one image; where they crowd each other's lists so that fewer than
    half of the neighbours are other contents, those are searched again among distinct contents.
    """
    distinct = np.flatnonzero(first == np.arange(len(first)))
    k = references.graph.k
    if k == 0 or len(distinct) < 2:
        return np.empty((0, 2), np.int64)
    found = first[references.graph.neighbors[distinct]]
    ordered = np.sort(np.where(found == distinct[:, None], -1, found), axis=1)
    others = (np.diff(ordered, axis=1, prepend=-1) > 0).sum(axis=1)
    pairs = [_pairs(np.repeat(distinct, k), found.ravel())]
    crowded = np.flatnonzero(others < min((k + 1) // 2, len(distinct) - 1))
    if len(crowded):
        pairs.append(
            _searched_again(
                references.embeddings, distinct, crowded, min(k, len(distinct) - 1), references.graph.method
            )
        )
    return np.unique(np.concatenate(pairs), axis=0)


def _searched_again(matrix: Floats, distinct: Rows, crowded: Rows, k: int, method: str) -> Pairs:
    vectors = np.ascontiguousarray(matrix[distinct])
    if len(crowded) < EXACT_BELOW:
        ids, _ = exact_knn(vectors[crowded], vectors, k, exclude=crowded)
    else:
        ids = build_graph(vectors, k, method).neighbors[crowded]
    return _pairs(np.repeat(distinct[crowded], k), distinct[ids].ravel())


def turned_pairs(descriptors: Descriptors, rows: Rows, turns: Sequence[int]) -> Pairs:
    """(m, 2) pairs among ``rows`` that may show one picture laid in different ways.

    A network sees a picture on its side as another one, so the graph lists only half of them. Here every
    outline is laid so that light falls the same way, and its few nearest are taken by a k-d tree.
    """
    from scipy.spatial import cKDTree

    rows = rows[~is_blank(descriptors[rows])]
    if len(rows) < 2:
        return np.empty((0, 2), np.int64)
    laid = _laid_alike(outlines(descriptors[rows]), _closure(turns))
    centred = laid - laid.mean(axis=0)
    _, directions = np.linalg.eigh(centred.T @ centred)
    flat = centred @ directions[:, -_AXES:]
    distances, near = cKDTree(flat).query(flat, k=min(_NEAREST + 1, len(rows)), distance_upper_bound=_RAMP)
    there = np.isfinite(distances)
    return _pairs(np.repeat(rows, there.sum(axis=1)), rows[near[there]])


def _closure(turns: Sequence[int]) -> list[int]:
    """The turns that follow from some: mirrored and flipped make rotated 180."""
    turned = any(turn & 4 for turn in turns)
    mirrored = any(bin(turn).count("1") % 2 for turn in turns if turn < 4) or any(turn in (4, 7) for turn in turns)
    if turned and mirrored:
        return list(range(len(TURNS)))
    return [0, 3, 5, 6] if turned else [0, 1, 2, 3]


def _laid_alike(pictures: Floats, turns: Sequence[int]) -> Floats:
    """(n, 8, 8) to (n, 64): each in the one of ``turns`` in which most light is above, then to the left."""
    fall = np.linspace(1, -1, PLACES, dtype=np.float32)
    light = np.add.outer(fall, np.float32(0.4) * fall)
    every = np.stack([turn_planes(pictures, turn) for turn in turns]).reshape(len(turns), len(pictures), -1)
    best = (every @ light.ravel()).argmax(axis=0)
    return np.asarray(every[best, np.arange(len(pictures))], np.float32)


def _pairs(a: Rows, b: Rows) -> Pairs:
    """Distinct pairs of different rows, lower row first."""
    both = np.sort(np.stack([a, b], axis=1), axis=1)
    return np.unique(both[both[:, 0] < both[:, 1]], axis=0)
