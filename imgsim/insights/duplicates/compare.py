"""Comparison of pairs of images: by the distance of embeddings, and by descriptors in several orientations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from imgsim.insights.descriptor import differences, is_blank, outlines, turn_planes, turned
from imgsim.neighbors.exact import true_distances

if TYPE_CHECKING:
    from imgsim.insights.measures import Traits
    from imgsim.references.references import References

Rows = NDArray[np.int64]
Floats = NDArray[np.float32]

_OUTLINE = 0.9  # correlation of outlines below which descriptors are not compared; the same picture has 0.94
_STEP = 4096


def compare_pairs(references: References, traits: Traits, pairs: Rows, turns: Sequence[int]) -> pd.DataFrame:
    """Compare pairs of rows, (m, 2).

    Returns
    -------
    pandas.DataFrame
        ``row``, ``other`` (the higher row), ``distance`` of the embeddings, ``difference`` of the pictures (NaN
        where their outlines differ) and the ``turn`` of the other picture at which it is smallest.
    """
    a, b = np.sort(pairs, axis=1).T
    difference = np.full(len(a), np.nan, np.float32)
    turn = np.zeros(len(a), np.int64)
    seen = traits.known & ~is_blank(traits.descriptors)
    outline = outlines(traits.descriptors)
    for candidate in turns:
        turned_outline = np.asarray(turn_planes(outline, candidate), np.float32)
        close = np.flatnonzero(seen[a] & seen[b] & (_correlation(outline, turned_outline, a, b) > _OUTLINE))
        new = differences(traits.descriptors[a[close]], turned(traits.descriptors[b[close]], candidate))
        better = ~(difference[close] <= new)
        difference[close[better]], turn[close[better]] = new[better], candidate
    distance = embedding_distances(references, a, b)
    return pd.DataFrame({"row": a, "other": b, "distance": distance, "difference": difference, "turn": turn})


def _correlation(first: Floats, second: Floats, a: Rows, b: Rows) -> Floats:
    """Return the correlation of pairs of outlines (n, 8, 8), (m,)."""
    starts = range(0, len(a), _STEP)
    parts = [np.einsum("mij,mij->m", first[a[i : i + _STEP]], second[b[i : i + _STEP]]) for i in starts]
    return np.concatenate(parts) if parts else np.empty(0, np.float32)


def embedding_distances(references: References, a: Rows, b: Rows) -> Floats:
    """Return the distance of the embeddings of each pair of rows, (m,)."""
    starts = range(0, len(a), _STEP)
    matrix = references.embeddings
    parts = [true_distances(matrix[a[i : i + _STEP]], matrix, b[i : i + _STEP, None])[:, 0] for i in starts]
    return np.concatenate(parts) if parts else np.empty(0, np.float32)


def same_picture_test(traits: Traits, turns: Sequence[int]) -> Callable[[int, Rows], NDArray[np.bool_]]:
    """Return a function that says which rows show the same picture as one row, in any of ``turns``."""

    def is_similar(centre: int, rows: Rows) -> NDArray[np.bool_]:
        one = np.repeat(traits.descriptors[centre : centre + 1], len(rows), axis=0)
        others = traits.descriptors[rows]
        return np.asarray(np.any([differences(one, turned(others, turn)) <= 1 for turn in turns], axis=0))

    return is_similar
