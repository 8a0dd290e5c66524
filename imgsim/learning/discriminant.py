"""Linear maps that labels teach, in closed form.

Two maps are made. Whitening by labels (`whitening_map`) divides out how images of one label differ, inside the
leading principal directions: within-class covariance normalisation (Hatch, Kajarekar and Stolcke 2006). It takes
little from classes without labels. The discriminants (`discriminant_map`) are those of a regularised linear
discriminant analysis (Friedman 1989) in all directions: they separate the labelled classes best, at the cost of others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imgsim.features.whitening import Pairs

Matrix = NDArray[np.float32]
Values = NDArray[np.float64]
Rows = NDArray[np.int64]
RIDGE = 0.2
"""Share of the identity in the covariance by which leading directions are whitened."""
PRIOR = 1000.0
"""Independent differences that mutual neighbours count for, beside those of labels."""
_SMALLEST = 1e-6  # of the largest: a discriminant below is rounding


@dataclass(frozen=True)
class Members:
    """Memberships of rows in classes: row, class and weight of each membership, (m,) each.

    The weights of a row's memberships sum to 1.
    """

    rows: Rows
    classes: Rows
    weights: Values


@dataclass(frozen=True)
class Scatter:
    """Sum of squares and products (p, p) of differences, and how many independent ones they are.

    Of ``total`` the lower triangle counts.
    """

    total: NDArray[Any]
    freedom: float

    def __add__(self, other: Scatter) -> Scatter:
        return Scatter(self.total + other.total, self.freedom + other.freedom)


def pair_scatter(differences: Matrix) -> Scatter:
    """Compute how the two images of pairs differ, (m, p): a pair counts as a class of two."""
    return Scatter(differences.T @ differences / 2, float(len(differences)))


def neighbor_scatter(scores: Matrix, pairs: Pairs) -> Scatter:
    """Compute how mutual neighbours (`imgsim.features.whitening`) differ, which needs no labels."""
    from scipy.sparse import coo_array

    n = len(scores)
    ends = (np.concatenate([pairs.left, pairs.right]), np.concatenate([pairs.right, pairs.left]))
    joined = coo_array((np.tile(pairs.weights, 2).astype(np.float32) / 2, ends), (n, n)).tocsr()
    degrees = np.asarray(joined.sum(axis=1)).reshape(n, 1)
    total = scores.T @ (degrees * scores - joined @ scores)  # the graph's Laplacian between the scores
    return Scatter(((total + total.T) / 2).astype(np.float64), float(pairs.weights.sum()))


def within_covariance(taught: Scatter, neighbors: Scatter) -> NDArray[Any]:
    """Average how taught images and mutual neighbours differ, (p, p).

    Few labels leave most directions unknown. There the neighbours stand in: they count for `PRIOR` independent
    differences, scaled to the size of the taught ones.
    """
    if not neighbors.freedom:
        return np.asarray(taught.total / max(taught.freedom, 1.0))
    if not taught.freedom:
        return np.asarray(neighbors.total / neighbors.freedom)
    scale = taught.total.trace() / taught.freedom / neighbors.total.trace()
    return np.asarray((taught.total + PRIOR * scale * neighbors.total) / (taught.freedom + PRIOR))


def whitening_map(total: Values, within: NDArray[Any], dims: int) -> Values:
    """Compute the map (p, k) of principal scores that divides out ``within`` after half whitening.

    Parameters
    ----------
    total : (p, p)
        Covariance that decides which directions are kept. Its diagonal holds the variances.
    within : (p, p)
        Covariance of differences that do not matter.
    dims : int
        Most dimensions of the result; those in which ``total`` is largest are kept.

    Of both matrices the lower triangle counts.
    """
    from scipy.linalg import eigh

    scale = total.diagonal() ** -0.25
    both = np.outer(scale, scale)
    _, vectors = eigh(total * both, ridged(within * both, RIDGE), driver="gvd", check_finite=False)
    return np.asarray(scale[:, None] * vectors[:, ::-1][:, :dims])


def discriminant_map(within: NDArray[Any], means: NDArray[Any], dims: int) -> Matrix:
    """Compute the discriminants (D, k): directions in which class means differ most beside ``within``.

    Parameters
    ----------
    within : (D, D) float32
        Regularised covariance within classes (`ridged`), positive definite; overwritten. Its lower triangle counts.
    means : (c, D)
        Means of the classes from their common mean, each times the square root of its size.
    dims : int
        Most discriminants; at most c - 1 are above 0.
    """
    from scipy.linalg import cho_factor, cho_solve

    factor = cho_factor(within.T, overwrite_a=True, check_finite=False)  # its upper triangle, in Fortran's order
    solved = cho_solve(factor, means.T.astype(within.dtype), check_finite=False)
    values, vectors = np.linalg.eigh(means.astype(np.float64) @ solved)
    kept = np.argsort(values)[::-1][:dims]
    kept = kept[values[kept] > values[kept].max(initial=0) * _SMALLEST]
    return np.asarray(solved @ (vectors[:, kept] / np.sqrt(values[kept])), np.float32)


def ridged(covariance: NDArray[Any], share: float) -> NDArray[Any]:
    """Replace a share of a covariance by a multiple of the identity of the same trace."""
    shrunk: NDArray[Any] = covariance * covariance.dtype.type(1 - share)
    shrunk[np.diag_indices_from(shrunk)] += share * covariance.trace() / len(covariance)
    return shrunk
