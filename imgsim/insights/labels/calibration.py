"""From scores to probabilities without one checked label: errors planted on purpose say what errors look like."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

ROUNDS = 200
TOLERANCE = 1e-4
PRIOR_WRONG, PRIOR_RIGHT = 0.5, 25.0
START = 0.3
FEWEST = 5.0
RIDGE = 1e-2
LIMIT = 40.0


def error_probabilities(scores: Vector, planted: Vector) -> tuple[Vector, float]:
    """Probability that each scored thing is an error, and the share of errors.

    The scores are a mixture of an unknown share of errors, distributed as ``planted``, and of correct
    ones: learning from positive and unlabelled examples (Elkan, Noto 2008). Expectation maximisation:
    given the probabilities, a logistic regression tells planted errors from what is probably correct,
    which gives the ratio of the two densities; that and the share of errors give the probabilities.
    The regression weighs the planted errors as many as errors are expected, so that it fits best
    where the two are hard to tell.

    Parameters
    ----------
    scores : (n,) float64
        Higher where an error is likelier; n >= 1.
    planted : (m,) float64
        The score of things that were made wrong on purpose; m >= 1.

    Returns
    -------
    probabilities : (n,) float64
        Never decreasing in the score.
    share : float
        Estimated share of errors, with a prior of about 2 % that counts as much as 26 things.
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


def _logistic(values: Vector, target: Vector, weights: Vector, start: Vector) -> Vector:
    """Intercept and slope (never negative) of a weighted logistic regression, by Newton's method from ``start``."""
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
