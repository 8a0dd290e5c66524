"""The metric of the neighbours: directions in which an image differs from its nearest ones count for less.

Two images that are each among the other's nearest mostly show the same thing, so their differences are what does not
matter. Their covariance is divided out: whitening learnt from matching pairs (Radenovic, Tolias and Chum 2016), kin of
within-class covariance normalisation (Hatch, Kajarekar and Stolcke 2006), with pairs by the graph in place of labels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imgsim.neighbors.exact import exact_knn

Matrix = NDArray[np.float32]
Values = NDArray[np.float64]
Rows = NDArray[np.int64]
NEIGHBORS = 20
"""Neighbours within which a pair must lie from both of its images."""
NEAR = 0.25
"""Of the median distance to the last of the 20: nearer pairs are copies, whose differences are those of files."""
SHRINKAGE = 0.2
"""Least share of the covariance that is replaced by a multiple of the identity."""
FEWEST_PAIRS = 1500
"""Up to as many pairs there is no whitening; with more the share of the identity is their ratio."""
_BLOCK = 1024
ROWS_PER_FULL_DIMENSION = 32
ROWS_PER_DIMENSION = (4, 7)
"""Weights of the dimensions fall to 0 at n / 4 where there are pairs enough, at n / 7 where there are too few."""


@dataclass(frozen=True)
class Pairs:
    """Rows ``left`` and ``right`` (m,) of mutual neighbours, and their ``weights`` (m,), above 0 and at most 1."""

    left: Rows
    right: Rows
    weights: Values

    def __len__(self) -> int:
        return len(self.left)

    @property
    def shrinkage(self) -> float:
        """Share of the identity in the covariance: 1 with too few pairs, less with more of them."""
        return min(1.0, max(SHRINKAGE, FEWEST_PAIRS / max(len(self), 1)))


def mutual_pairs(embeddings: Matrix) -> Pairs:
    """Find pairs of rows (n, d) that are among each other's nearest 20, without copies.

    A weight is the product of what the two ranks give, 1 falling to 0: an image more moves a rank by one, and so the
    weights by little. Equal rows count as one.
    """
    rows = _distinct(embeddings)
    n, k = len(rows), max(0, min(NEIGHBORS, len(rows) - 1))
    found = mutual_among(*exact_knn(embeddings[rows], embeddings[rows], k, np.arange(n)))
    return Pairs(rows[found.left], rows[found.right], found.weights)


def mutual_among(ids: NDArray[np.int32], distances: Matrix) -> Pairs:
    """Find the pairs of `mutual_pairs` among neighbours that are known.

    Parameters
    ----------
    ids : (n, k) int32
        Nearest other rows of each row, nearest first.
    distances : (n, k) float32
    """
    n, k = ids.shape
    if not k:
        return Pairs(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    one, other = np.repeat(np.arange(n), k), ids.reshape(-1).astype(np.int64)
    order = np.argsort(one * n + other)
    keys = (one * n + other)[order]
    at = np.minimum(np.searchsorted(keys, other * n + one), len(keys) - 1)
    apart = distances.reshape(-1) > NEAR * np.median(distances[:, -1])
    chosen = np.flatnonzero((one < other) & (keys[at] == other * n + one) & apart)
    rank, reverse = chosen % k, order[at[chosen]] % k
    weights = (k - rank - 0.5) * (k - reverse - 0.5) / k**2
    return Pairs(one[chosen], other[chosen], weights)


def whitened_directions(scores: Matrix, values: Values, pairs: Pairs, dims: int) -> Values:
    """Compute the linear map (p, k) of principal scores after which differences of pairs have no direction.

    Parameters
    ----------
    scores : (n, p) float32
        Rows along their principal directions, the largest first.
    values : (p,)
        Their variances.
    pairs : Pairs
        Of these rows.
    dims : int
        Most dimensions of the result. Where it has fewer than there are scores, the last sixteenth of them fades out,
        so that none jumps in or out.

    Returns
    -------
    (p, k) float64
        Rows of dimensions whose weight is 0 are 0.
    """
    weights = _weights(len(scores), len(values), pairs.shrinkage)
    p = len(weights)
    scale = weights / values[:p] ** 0.25  # half whitening
    scaled = scores[:, :p] * scale.astype(np.float32)
    whitening = scale[:, None] * _inverse_root(_within(scaled, pairs))
    spread, turned = np.linalg.eigh(whitening.T @ (values[:p, None] * whitening))
    kept = min(dims, p)
    order = np.argsort(spread)[::-1][:kept]
    directions = np.zeros((len(values), kept))
    directions[:p] = whitening @ turned[:, order] * _fade(p, kept)
    return directions


def _distinct(embeddings: Matrix) -> Rows:
    """Return the first of equal rows, in order."""
    rows = np.ascontiguousarray(embeddings + np.float32(0))  # -0 becomes 0
    _, first = np.unique(rows.view(np.dtype((np.void, rows.strides[0]))), return_index=True)
    return np.sort(first.reshape(-1))


def _weights(n: int, dims: int, shrinkage: float) -> Values:
    """Return the falling weights of the dimensions of n rows, all above 0."""
    most, fewest = ROWS_PER_DIMENSION
    full, none = n / ROWS_PER_FULL_DIMENSION, n / (most + (fewest - most) * shrinkage)
    weights: Values = np.minimum(1, (none - np.arange(dims) - 0.5) / (none - full))
    return weights[weights > 0]


def _within(rows: Matrix, pairs: Pairs) -> Values:
    """Compute the shrunk covariance (p, p) of the differences of pairs."""
    p, share = rows.shape[1], pairs.shrinkage
    roots = np.sqrt(pairs.weights / pairs.weights.sum())[:, None].astype(np.float32)
    covariance = np.zeros((p, p))
    for start in range(0, len(pairs), _BLOCK):
        part = slice(start, start + _BLOCK)
        differences = (rows[pairs.left[part]] - rows[pairs.right[part]]) * roots[part]
        covariance += differences.T @ differences
    return np.asarray((1 - share) * covariance + share * np.trace(covariance) / p * np.eye(p))


def _inverse_root(matrix: Values) -> Values:
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors / np.sqrt(values)) @ vectors.T)


def _fade(p: int, kept: int) -> Values:
    """Return the weights (kept,) of the kept dimensions of p, falling where others are left out."""
    length = max(1, min(kept // 16, p - kept))
    fading: Values = np.minimum(1, (kept - np.arange(kept) - 0.5) / length)
    return fading if p > kept else np.ones(kept)
