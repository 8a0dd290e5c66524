"""Votes of the neighbours: log odds of every label that an image could have."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imgsim.neighbors.exact import BLOCK_BYTES
from imgsim.neighbors.graph import NeighborGraph

Codes = NDArray[np.int64]
Values = NDArray[np.float64]

REACH = 0.8  # standard deviation of a vote's weight over distance, in typical distances
COPY = 0.3  # distance within which images are copies of one picture, in typical distances
LEAST = 1e-6  # share of a vote, and factor of the vote of an exact copy
OWN_PRIOR = 10.0  # votes, for its own label as often as in the whole collection, that every label starts with
OTHERS_PRIOR = (
    200.0  # votes for other labels as frequent as in the whole collection, times the fourth power of agreement
)
TRUST = 4.0  # exponent of an image's own votes in relation to the usual share, times the fourth power of agreement


@dataclass(frozen=True)
class Evidence:
    """Result of the votes for every image.

    ``odds`` (n,): log odds of all other labels against the image's own. ``best`` (n,): code of the likeliest
    other label, -1 if no neighbour has one. ``planted`` (p, n): the same odds if a planted label were its own.
    """

    odds: Values
    best: Codes
    planted: Values


def vote_weights(matrix: NDArray[np.float32], graph: NeighborGraph) -> tuple[Values, Values]:
    """Return the weight of each neighbour's vote, and the number of copies of each image.

    Near neighbours weigh more: exp(-d^2 / 2 (0.8 m)^2), where m is the collection's median distance. Images closer
    than about 0.3 m are copies of one picture. Copies among the neighbours share one vote, and copies of the image
    itself weigh almost nothing. So a wrong label on several copies does not confirm itself.

    Returns
    -------
    weights : (n, k) float64
    copies : (n,) float64
        At least 1, for the image itself.
    """
    near = np.asarray(graph.distances, np.float64)
    typical = float(np.median(near)) if near.size else 0.0
    typical = typical if typical > 0 else 1.0
    itself = np.exp(-((near / (COPY * typical)) ** 2))
    weights: Values = np.exp(-((near / (REACH * typical)) ** 2) / 2) * np.maximum(1 - itself, LEAST)
    step = max(1, BLOCK_BYTES // max(1, 8 * graph.k * (matrix.shape[1] + graph.k)))
    for start in range(0, len(graph), step):
        block = slice(start, start + step)
        around = matrix[graph.neighbors[block]]
        products = around @ around.transpose(0, 2, 1)
        squares = np.einsum("nkk->nk", products)
        apart = np.maximum(squares[:, :, None] + squares[:, None, :] - 2 * products, 0)
        weights[block] /= np.exp(-apart / (COPY * typical) ** 2).sum(axis=2)
    return weights, 1 + itself.sum(axis=1)


class NeighborVotes:
    """Votes of the neighbours, as a naive Bayes classifier: each label has a distribution of neighbours' labels.

    So a vote counts by how rare it is for the label. Images labelled ``lotus`` often have neighbours labelled
    ``water lily``, so these say little against the label; neighbours labelled ``stapler`` say much. Each image is
    left out of the distribution of its own label.

    Errors of one kind must not teach that they are usual. So an image counts in the distribution by its trust, the
    share of its neighbours with its label in relation to the usual share; and a small class is judged mostly by the
    votes that every label starts with. Both hold as far as neighbours agree in the collection: where they seldom do,
    an image among others is no sign of an error.

    Parameters
    ----------
    codes : (n,) int64
        Codes of the labels, 0 to c-1; c for images without a label.
    judged : (c,) bool
        Labels that can be judged and suggested.
    voted : (n, k) int64
        Codes of the neighbours' labels; c for those that do not vote.
    weights : (n, k) float64
        Weights of the votes (`vote_weights`).
    copies : (n,) float64
        Number of copies of each image (`vote_weights`).
    """

    def __init__(self, codes: Codes, judged: NDArray[np.bool_], voted: Codes, weights: Values, copies: Values) -> None:
        self.codes, self.voted = codes, voted
        self.judged = np.append(judged, False)  # and "none"
        self._width = len(self.judged)
        self.weights = np.where(voted == self._width - 1, 0.0, weights)
        agreeing = (self.weights * (voted == codes[:, None])).sum(axis=1)
        cast = self.weights.sum(axis=1)
        usual = max(float(agreeing.sum() / max(cast.sum(), 1e-300)), 1e-12)
        share = (agreeing + usual) / (cast + 1)  # starts with one vote
        self.trust = np.minimum(share / usual, 1) ** (TRUST * usual**4)
        self._others = OTHERS_PRIOR * usual**4
        self._agree = float((self.trust * agreeing).sum() / max((self.trust * cast).sum(), 1e-300))
        counted = self.weights * (self.trust / copies)[:, None]
        flat = counted.reshape(-1)
        self._pairs, where = np.unique(codes[:, None] * self._width + voted, return_inverse=True)
        self._counts = np.bincount(where.reshape(-1), flat, len(self._pairs))
        self._own = np.bincount(codes, self.trust / copies * agreeing, self._width)
        self._totals = np.bincount(codes, counted.sum(axis=1), self._width)
        self._sizes = np.bincount(codes, minlength=self._width)
        common = np.bincount(voted.reshape(-1), (self.weights / copies[:, None]).reshape(-1), self._width)
        self._common = common / max(common.sum(), 1e-300)

    def evidence(self, planted: Codes) -> Evidence:
        """Judge every image with its own label, and with each of the ``planted`` labels (p, n)."""
        n, k = self.voted.shape
        tried = len(planted)
        odds, best, others = np.empty(n), np.empty(n, np.int64), np.empty((tried, n))
        step = max(1, BLOCK_BYTES // (8 * (k + 1) * (k + 1 + tried)))
        for start in range(0, n, step):
            block = np.arange(start, min(n, start + step))
            asked = np.concatenate([self.codes[block][None], planted[:, block]])
            block_odds, block_best = self._odds(block, asked)
            odds[block], best[block], others[:, block] = block_odds[0], block_best, block_odds[1:]
        return Evidence(odds, best, others)

    def _odds(self, rows: Codes, asked: Codes) -> tuple[Values, Codes]:
        """Return log odds of all other labels against each of ``asked``, (a, b).

        The second result is the best other label for the first of ``asked``, (b,), -1 where there is none.
        """
        voted, weights = self.voted[rows], self.weights[rows]
        same = voted[:, :, None] == voted[:, None, :]
        repeated = np.tril(same, -1).any(axis=2)
        fit = self._log_fit(rows, np.concatenate([voted, asked.T], axis=1), voted, weights, same)
        k = voted.shape[1]
        possible = np.where(repeated | ~self.judged[voted], -np.inf, fit[:, :k])
        unlike_all = (weights * np.log(np.maximum(self._common[voted], LEAST))).sum(axis=1)
        odds, best = np.empty(asked.shape), np.full(len(rows), -1)
        for i, label in enumerate(asked):
            rivals = np.where(voted == label[:, None], -np.inf, possible)
            odds[i] = np.logaddexp.reduce(np.column_stack([rivals, unlike_all]), axis=1) - fit[:, k + i]
            if i == 0:
                top = rivals.argmax(axis=1)
                found = np.isfinite(np.take_along_axis(rivals, top[:, None], axis=1)[:, 0])
                best = np.where(found, np.take_along_axis(voted, top[:, None], axis=1)[:, 0], -1)
        return odds, best

    def _log_fit(self, rows: Codes, labels: Codes, voted: Codes, weights: Values, same: NDArray[np.bool_]) -> Values:
        """Return log(prior x likelihood of the votes) for each of ``labels`` (b, c), without the image itself."""
        itself = labels == self.codes[rows][:, None]
        taught = weights * self.trust[rows][:, None]
        own = (same * taught[:, None, :]).sum(axis=2)  # what the image and its copies add to the counts of its label
        keys = labels[:, :, None] * self._width + voted[:, None, :]
        at = np.minimum(np.searchsorted(self._pairs, keys), len(self._pairs) - 1)
        counts = np.where(self._pairs[at] == keys, self._counts[at], 0.0) - itself[:, :, None] * own[:, None, :]
        agrees = labels[:, :, None] == voted[:, None, :]
        own_votes = self._own[labels] - (itself[:, :, None] * agrees * taught[:, None, :]).sum(axis=2)
        totals = np.maximum(self._totals[labels] - itself * taught.sum(axis=1)[:, None], 0)
        rate = (np.clip(own_votes, 0, totals) + OWN_PRIOR * self._agree) / (totals + OWN_PRIOR)
        prior = self._others * self._common
        others = np.maximum(totals - own_votes, 0) + self._others - prior[labels]
        other = (np.maximum(counts, 0) + prior[voted][:, None, :]) / np.maximum(others, LEAST)[:, :, None]
        share = np.where(agrees, rate[:, :, None], (1 - rate)[:, :, None] * other)
        sizes = np.maximum(self._sizes[labels] - itself, 0.5)
        fit: Values = (weights[:, None, :] * np.log(np.maximum(share, LEAST))).sum(axis=2) + np.log(sizes)
        return fit
