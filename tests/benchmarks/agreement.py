"""How well a ranking, a probability or a partition agrees with the truth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BINS = 15


def average_precision(hits: NDArray[np.bool_]) -> float:
    """Of a ranking, best first, given which entries are hits."""
    running = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return float(running[hits].mean()) if hits.any() else 0.0


def auroc(hits: NDArray[np.bool_]) -> float:
    """Chance that a hit ranks before a miss."""
    missed_before = np.cumsum(~hits)[hits]
    return float(1 - missed_before.mean() / max(1, int((~hits).sum()))) if hits.any() else 0.0


def calibration_error(probability: NDArray[np.float64], hits: NDArray[np.bool_]) -> float:
    """Expected calibration error: mean distance of probability and share of hits over 15 equal bins."""
    bins = np.minimum((probability * BINS).astype(int), BINS - 1)
    gaps = np.bincount(bins, probability, BINS) - np.bincount(bins, hits, BINS)
    return float(np.abs(gaps).sum() / len(hits))


def adjusted_rand(one: NDArray[np.int64], other: NDArray[np.int64]) -> float:
    """Agreement of two partitions, 0 by chance, 1 when equal (Hubert, Arabie 1985)."""

    def pairs(counts: NDArray[np.int64]) -> float:
        return float((counts * (counts - 1.0) / 2).sum())

    both = pairs(np.unique(one * (int(other.max()) + 1) + other, return_counts=True)[1])
    first, second = pairs(np.bincount(one)), pairs(np.bincount(other))
    expected = first * second / max(1.0, len(one) * (len(one) - 1) / 2)
    largest = (first + second) / 2
    return (both - expected) / (largest - expected) if largest > expected else 1.0
