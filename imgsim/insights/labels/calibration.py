"""Calibration of scores to probabilities of an error; planted errors take the place of checked labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

ROUNDS = 200
TOLERANCE = 1e-4  # relative change of the share at which expectation maximisation ends
PRIOR_WRONG, PRIOR_RIGHT = 0.5, 25.0  # pseudo-counts
START = 0.3  # share of errors in the first round
FEWEST = 5.0  # errors that the planted ones weigh at least
RIDGE = 1e-2  # penalty of the regression's coefficients
SUPPORT = 1.92  # log likelihood ratio at the ends of a 95 % interval
LEAST_SHARE = 1e-9
LIMIT = 40.0  # log odds are cut there, where the sigmoid is 0 or 1


def error_probabilities(scores: Vector, planted: Vector) -> tuple[Vector, float]:
    """Estimate the probability that each scored item is an error, and the share of errors.

    The scores are a mixture of an unknown share of errors, distributed as ``planted``, and of correct items. This
    is learning from positive and unlabelled examples (Elkan, Noto 2008), solved by expectation maximisation.
    Given the probabilities, a logistic regression separates the planted errors from the items weighted by their
    probability of being correct; it gives the ratio of the two densities. Given the ratio and the share of errors,
    the probabilities follow. In the regression all planted errors together weigh as much as the expected number
    of errors, so that it fits best where the two overlap.

    Parameters
    ----------
    scores : (n,) float64
        Higher where an error is likelier; n >= 1.
    planted : (m,) float64
        Scores of items that were made wrong on purpose; m >= 1.

    Returns
    -------
    probabilities : (n,) float64
        Non-decreasing in the score.
    share : float
        Estimated share of errors; the prior is about 2 % and weighs as much as 26 items.
    """
    both = np.concatenate([planted, scores])
    target = np.concatenate([np.ones(len(planted)), np.zeros(len(scores))])
    share = START
    wrong = np.full(len(scores), share)
    line = np.zeros(2)
    for _ in range(ROUNDS):
        errors = max(float(wrong.sum()), FEWEST)
        weights = np.concatenate([np.full(len(planted), errors / len(planted)), 1 - wrong])
        line = _logistic(both, target, weights, line)
        ratio = line[0] + line[1] * scores - np.log(errors / (1 - wrong).sum())
        wrong = _sigmoid(ratio + np.log(share / (1 - share)))
        before, share = share, float((wrong.sum() + PRIOR_WRONG) / (len(scores) + PRIOR_WRONG + PRIOR_RIGHT))
        if abs(share - before) < TOLERANCE * share:
            break
    return wrong, share


def share_interval(probabilities: Vector, share: float) -> tuple[float, float]:
    """Return the ends of the 95 % interval of the share of errors that `error_probabilities` estimated.

    They are where the likelihood of the share, given the ratio of the two densities, is 1.92 below its largest.
    """
    from scipy.optimize import brentq

    def support(other: float) -> float:
        likelihood = (1 - probabilities) * ((1 - other) / (1 - share)) + probabilities * (other / share)
        prior = PRIOR_WRONG * np.log(other / share) + PRIOR_RIGHT * np.log((1 - other) / (1 - share))
        return float(np.log(np.maximum(likelihood, 1e-300)).sum() + prior + SUPPORT)

    least, most = LEAST_SHARE, 1 - LEAST_SHARE
    low = brentq(support, least, share) if support(least) < 0 else 0.0
    return low, brentq(support, share, most) if support(most) < 0 else 1.0


def _logistic(values: Vector, target: Vector, weights: Vector, start: Vector) -> Vector:
    """Fit intercept and slope (at least 0) of a weighted logistic regression by Newton's method from ``start``."""
    design = np.stack([np.ones_like(values), values], axis=1)
    line = start
    for _ in range(50):
        fitted = _sigmoid(design @ line)
        gradient = design.T @ (weights * (target - fitted)) - RIDGE * line
        curvature = (design * (weights * fitted * (1 - fitted))[:, None]).T @ design + RIDGE * np.eye(2)
        step = np.clip(np.linalg.solve(curvature, gradient), -2, 2)
        line = line + step
        if np.abs(step).max() < 1e-6:
            break
    return np.array([line[0], max(line[1], 0.0)])


def _sigmoid(values: Vector) -> Vector:
    result: Vector = 1 / (1 + np.exp(-np.clip(values, -LIMIT, LIMIT)))
    return result
