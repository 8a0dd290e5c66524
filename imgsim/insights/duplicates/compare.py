"""Pairs of images compared: by the distance of their embeddings, and by their descriptors laid in several ways."""

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

_OUTLINE = 0.9  # correlation of outlines below which pictures are not looked at closely; the same picture has 0.94
_STEP = 4096


def compared(references: References, traits: Traits, pairs: Rows, turns: Sequence[int]) -> pd.DataFrame:
    """Pairs with the distance of their embeddings, the difference of the pictures, and how the other one lies."""
    a, b = np.sort(pairs, axis=1).T
    difference = np.full(len(a), np.nan, np.float32)
    turn = np.zeros(len(a), np.int64)
    seen = traits.known & ~is_blank(traits.descriptors)
    outline = outlines(traits.descriptors)
    for candidate in turns:
        laid = np.asarray(turn_planes(outline, candidate), np.float32)
        close = np.flatnonzero(seen[a] & seen[b] & (_correlation(outline, laid, a, b) > _OUTLINE))
        new = differences(traits.descriptors[a[close]], turned(traits.descriptors[b[close]], candidate))
        better = ~(difference[close] <= new)
        difference[close[better]], turn[close[better]] = new[better], candidate
    distance = distances(references, a, b)
    return pd.DataFrame({"row": a, "other": b, "distance": distance, "difference": difference, "turn": turn})


def _correlation(first: Floats, second: Floats, a: Rows, b: Rows) -> Floats:
    """(m,) of pairs of outlines (n, 8, 8)."""
    starts = range(0, len(a), _STEP)
    parts = [np.einsum("mij,mij->m", first[a[i : i + _STEP]], second[b[i : i + _STEP]]) for i in starts]
    return np.concatenate(parts) if parts else np.empty(0, np.float32)


def distances(references: References, a: Rows, b: Rows) -> Floats:
    """(m,) of the embeddings of pairs of rows."""
    starts = range(0, len(a), _STEP)
    matrix = references.embeddings
    parts = [true_distances(matrix[a[i : i + _STEP]], matrix, b[i : i + _STEP, None])[:, 0] for i in starts]
    return np.concatenate(parts) if parts else np.empty(0, np.float32)


def same_picture(traits: Traits, turns: Sequence[int]) -> Callable[[int, Rows], NDArray[np.bool_]]:
    """Whether rows show the same picture as one row, laid in any of ``turns``."""

    def agrees(centre: int, rows: Rows) -> NDArray[np.bool_]:
        one = np.repeat(traits.descriptors[centre : centre + 1], len(rows), axis=0)
        others = traits.descriptors[rows]
        return np.asarray(np.any([differences(one, turned(others, turn)) <= 1 for turn in turns], axis=0))

    return agrees
