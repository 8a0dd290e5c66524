"""Planted errors: labels that images could have by mistake."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int64]

PLANTED = 2000  # planted errors to calibrate on, at least
SIMILAR = 0.5  # share of them that are labels of neighbours


def planted_labels(codes: Codes, voted: Codes, judged: NDArray[np.bool_], count: int, seed: int) -> Codes:
    """Draw p wrong labels for each item, (p, i), among the judged ones.

    Half of them are any label. The others are labels of neighbours of a random image of the same class, as people take
    similar classes for each other. The judged items get at least 2,000 in all, where there are enough labels.

    Parameters
    ----------
    codes : (i,) int64
        Labels, c for none.
    voted : (i, k) int64
        Labels of the neighbours.
    judged : (c,) bool
        At least two labels.
    count : int
        Number of judged items.
    seed : int
    """
    classes = np.flatnonzero(judged)
    times = min(-(-PLANTED // count), len(classes) - 1)
    generator = np.random.default_rng(seed)
    position = np.searchsorted(classes, np.minimum(codes, classes[-1]))
    shift = generator.integers(1, len(classes), (times, len(codes)))
    any_label: Codes = classes[(position + shift) % len(classes)]
    known = np.append(judged, False)
    first, second = np.repeat(codes, voted.shape[1]), voted.reshape(-1)
    other = known[first] & known[second] & (first != second)
    order = np.argsort(first[other], kind="stable")
    first, second = first[other][order], second[other][order]
    start, end = np.searchsorted(first, codes), np.searchsorted(first, codes, side="right")
    drawn = start + (generator.random(any_label.shape) * (end - start)).astype(np.int64)
    similar = (generator.random(any_label.shape) < SIMILAR) & (end > start)
    return np.where(similar, second[np.minimum(drawn, max(len(second) - 1, 0))] if len(second) else 0, any_label)
