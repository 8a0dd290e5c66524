"""Probability that two images are alike, by their distance, as the labels of neighbours show it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imgsim.io.vectors import Matrix

Values = NDArray[np.float64]

LEAST_PAIRS = 100
"""Pairs with two labels from which the probabilities are learnt."""


class AlikeByDistance:
    """Probability that a pair has one label, by a decreasing step function of its distance.

    It is an isotonic regression (Barlow, Brunk 1972). With fewer than `LEAST_PAIRS` pairs it is 1/2 at the typical
    distance instead, and falls as a Gaussian does.

    Parameters
    ----------
    distances : (m,) float32
        Of pairs of images that both have a label.
    same : (m,) bool
        Pairs with the same label.
    typical : float
        Median distance of neighbours.
    """

    def __init__(self, distances: Matrix, same: NDArray[np.bool_], typical: float) -> None:
        self._typical = typical if typical > 0 else 1.0
        self._steps = None
        if len(distances) >= LEAST_PAIRS:
            from scipy.optimize import isotonic_regression

            order = np.argsort(distances, kind="stable")
            fitted = isotonic_regression(same[order].astype(np.float64), increasing=False).x
            self._steps = distances[order].astype(np.float64), np.asarray(fitted, np.float64)

    def __call__(self, distances: Matrix) -> Values:
        """Return the probability of each pair, (m,)."""
        if self._steps is None:
            return np.asarray(0.5 ** ((distances / self._typical) ** 2), np.float64)
        return np.interp(distances, *self._steps)
