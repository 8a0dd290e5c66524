"""Comparison of pairs of images: by the distance of embeddings, and by descriptors in several orientations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from imgsim.insights.descriptor import Descriptors, differences, is_blank, outlines, turn_planes, turned
from imgsim.neighbors.exact import true_distances

if TYPE_CHECKING:
    from imgsim.insights.measures import Traits
    from imgsim.references.references import References

Rows = NDArray[np.int64]
Floats = NDArray[np.float32]

_OUTLINE = 0.9  # correlation of outlines below which descriptors are not compared; the same picture has 0.94
_STEP = 4096


class DescriptorRows(Protocol):
    """Descriptors (n, 1536), in memory or in a file."""

    def __getitem__(self, rows: Rows, /) -> Descriptors:
        """Return the descriptors of rows, (m, 1536)."""


@dataclass(frozen=True)
class Pictures:
    """Thumbnails as they are compared, row by row.

    ``seen`` is (n,) bool: there is a thumbnail, and it is not blank. ``outlines`` are (n, 8, 8)
    (`imgsim.insights.descriptor.outlines`).
    """

    seen: NDArray[np.bool_]
    outlines: Floats
    descriptors: DescriptorRows

    @classmethod
    def of(cls, traits: Traits) -> Pictures:
        """Return the pictures that traits are of."""
        return cls(traits.known & ~is_blank(traits.descriptors), outlines(traits.descriptors), traits.descriptors)

    def differences(self, a: Rows, b: Rows, turns: Sequence[int]) -> tuple[Floats, Rows]:
        """Compare pairs of rows, (m,) each.

        Returns
        -------
        difference : (m,) float32
            NaN where the outlines differ.
        turn : (m,) int64
            The one of ``turns`` of the second picture at which the difference is smallest.
        """
        difference = np.full(len(a), np.nan, np.float32)
        turn = np.zeros(len(a), np.int64)
        for candidate in turns:
            turned_outlines = np.asarray(turn_planes(self.outlines, candidate), np.float32)
            alike = _correlation(self.outlines, turned_outlines, a, b) > _OUTLINE
            close = np.flatnonzero(self.seen[a] & self.seen[b] & alike)
            new = _differences(self.descriptors, a[close], b[close], candidate)
            better = ~(difference[close] <= new)
            difference[close[better]], turn[close[better]] = new[better], candidate
        return difference, turn


def compare_pairs(references: References, traits: Traits, pairs: Rows, turns: Sequence[int]) -> pd.DataFrame:
    """Compare pairs of rows, (m, 2).

    Returns
    -------
    pandas.DataFrame
        ``row``, ``other`` (the higher row), ``distance`` of the embeddings, and the ``difference`` and ``turn`` of
        `Pictures.differences`.
    """
    a, b = np.sort(pairs, axis=1).T
    difference, turn = Pictures.of(traits).differences(a, b, turns)
    distance = embedding_distances(references, a, b)
    return pd.DataFrame({"row": a, "other": b, "distance": distance, "difference": difference, "turn": turn})


def _correlation(first: Floats, second: Floats, a: Rows, b: Rows) -> Floats:
    """Return the correlation of pairs of outlines (n, 8, 8), (m,)."""
    starts = range(0, len(a), _STEP)
    parts = [np.einsum("mij,mij->m", first[a[i : i + _STEP]], second[b[i : i + _STEP]]) for i in starts]
    return np.concatenate(parts) if parts else np.empty(0, np.float32)


def _differences(descriptors: DescriptorRows, a: Rows, b: Rows, turn: int) -> Floats:
    """Return the difference of each pair of rows, (m,), the other one turned; few descriptors are gathered at once."""
    pairs = ((a[start : start + _STEP], b[start : start + _STEP]) for start in range(0, len(a), _STEP))
    parts = [differences(descriptors[first], turned(descriptors[second], turn)) for first, second in pairs]
    return np.concatenate(parts) if parts else np.empty(0, np.float32)


def embedding_distances(references: References, a: Rows, b: Rows) -> Floats:
    """Return the distance of the plain embeddings of each pair of rows, (m,)."""
    starts = range(0, len(a), _STEP)
    matrix = references.plain_embeddings
    parts = [true_distances(matrix[a[i : i + _STEP]], matrix, b[i : i + _STEP, None])[:, 0] for i in starts]
    return np.concatenate(parts) if parts else np.empty(0, np.float32)


def smallest_differences(descriptors: DescriptorRows, a: Rows, b: Rows, turns: Sequence[int]) -> tuple[Floats, Rows]:
    """Return the difference of pairs of rows in the best of ``turns``, and that turn, (m,) each."""
    each = np.stack([_differences(descriptors, a, b, turn) for turn in turns])
    best = each.argmin(axis=0)
    return each[best, np.arange(len(a))], np.asarray(turns, np.int64)[best]


def same_picture_test(descriptors: DescriptorRows, turns: Sequence[int]) -> Callable[[int, Rows], NDArray[np.bool_]]:
    """Return a function that says which thumbnails show the same picture as one row, in any of ``turns``."""

    def is_similar(centre: int, rows: Rows) -> NDArray[np.bool_]:
        return np.asarray(smallest_differences(descriptors, np.full(len(rows), centre), rows, turns)[0] <= 1)

    return is_similar
