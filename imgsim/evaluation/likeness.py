"""Meaning of a distance in a collection: which share of pairs is further apart, and which share has one label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imgsim.evaluation.classes import label_codes
from imgsim.neighbors.graph import NeighborGraph

PAIRS, BINS, LEAST = 50_000, 40, 50
_STEP = 8192


@dataclass(frozen=True)
class Likeness:
    """Distances of pairs of images.

    Parameters
    ----------
    pairs : (m,) float32
        Distances of pairs of any two images, ascending.
    edges : (b + 1,) float64
        Edges of bins of distances, from 0 to the largest distance of neighbours; empty without labels.
    same : (b,) float64
        Share of the neighbours in each bin that carry one label; NaN where there are too few to say.
    """

    pairs: NDArray[np.float32]
    edges: NDArray[np.float64]
    same: NDArray[np.float64]

    def share_further(self, distance: float) -> float | None:
        """Return the share of pairs that are further apart than ``distance``; None where there is no pair."""
        if not len(self.pairs):
            return None
        nearer = np.searchsorted(self.pairs, np.float32(distance), side="right")
        return 1.0 - float(nearer) / len(self.pairs)

    def share_same_label(self, distance: float) -> float | None:
        """Return the share of neighbours at about this distance that carry one label; None where it is not known."""
        if not len(self.same) or not 0 <= distance <= self.edges[-1]:
            return None
        place = min(int(np.searchsorted(self.edges, distance, side="right")) - 1, len(self.same) - 1)
        share = float(self.same[place])
        return None if np.isnan(share) else share


def measure_likeness(
    matrix: NDArray[np.float32],
    graph: NeighborGraph,
    labels: Sequence[str | None] | None = None,
    pictures: NDArray[np.int64] | None = None,
    *,
    pairs: int = PAIRS,
    bins: int = BINS,
    least: int = LEAST,
    seed: int = 0,
) -> Likeness:
    """Measure what distances mean in a collection.

    Parameters
    ----------
    matrix : (n, d) float32
        Embeddings.
    graph : NeighborGraph
        Nearest neighbours of the same rows.
    labels : sequence of n, optional
        Pairs with a None count for no label.
    pictures : (n,) int64, optional
        Equal numbers for rows of the same picture, which are no neighbours; default: every row is a picture of its own.
    pairs : int
        Pairs that are drawn with ``seed``; all are taken where there are no more than so many.
    bins : int
        Of equal width.
    least : int
        Pairs with labels in a bin that says something.
    seed : int
    """
    edges, same = _same_by_distance(graph, labels, pictures, bins, least)
    return Likeness(_pair_distances(matrix, pairs, seed), edges, same)


def _pair_distances(matrix: NDArray[np.float32], pairs: int, seed: int) -> NDArray[np.float32]:
    n = len(matrix)
    if n * (n - 1) // 2 <= pairs:
        left, right = np.triu_indices(n, 1)
    else:
        random = np.random.default_rng(seed)
        left = random.integers(n, size=pairs)
        right = (left + random.integers(1, n, size=pairs)) % n  # never the row itself
    distances = np.empty(len(left), np.float32)
    for start in range(0, len(left), _STEP):
        part = slice(start, start + _STEP)
        distances[part] = np.linalg.norm(matrix[left[part]] - matrix[right[part]], axis=1)
    return np.sort(distances)


def _same_by_distance(
    graph: NeighborGraph,
    labels: Sequence[str | None] | None,
    pictures: NDArray[np.int64] | None,
    bins: int,
    least: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return edges (b + 1,) of bins of distances and the share of pairs with one label in each, (b,)."""
    nothing = np.empty(0), np.empty(0)
    if labels is None or not graph.k:
        return nothing
    codes = label_codes(labels)[1]
    mine, theirs = np.broadcast_to(codes[:, None], graph.neighbors.shape), codes[graph.neighbors]
    known = (mine >= 0) & (theirs >= 0)
    if pictures is not None:
        known &= pictures[:, None] != pictures[graph.neighbors]
    distances, equal = graph.distances[known].astype(np.float64), (mine == theirs)[known]
    if not len(distances) or not distances.max() > 0:
        return nothing
    edges = np.linspace(0.0, distances.max(), bins + 1)
    counts = np.histogram(distances, edges)[0]
    hits = np.histogram(distances[equal], edges)[0]
    return edges, np.where(counts >= least, hits / np.maximum(counts, 1), np.nan)
