"""Choice of the metric by cross-validation over images and over classes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imgsim.arguments import DEFAULT_K

Matrix = NDArray[np.float32]
Values = NDArray[np.float64]
Rows = NDArray[np.int64]

RIDGES = (0.05, 0.3)
"""Shares of the identity in the covariance within classes, of the discriminants."""
BLENDS = (0.5, 1.0, 1.4, 2.0, 3.0)
"""Weights of the whitened embedding beside the discriminants, whose mean length is 1."""
GAIN, LOSS = 0.2, 5.0
"""How often a gain and a loss of classes without labels count: they are to be no worse, what is labelled better."""
TOLERANCE = 0.02
"""A measured loss up to here is none.

The fits that measure it know a third of the classes less than the final one, and find the left-out ones among images of
classes that they know. Where the final one lost nothing, .02 to .036 were measured.
"""
QUERIES = 400
"""Most queries of a split."""
OTHERS = ("auto", "protect", "ignore")


@dataclass(frozen=True)
class Candidate:
    """Metric to choose from.

    Parameters
    ----------
    base : str
        What whitens: ``"labels"``, ``"neighbours"``; or ``"nothing"`` for the label-free metric as it is.
    ridge, blend : float, optional
        Of the discriminants beside it; None for none.
    """

    base: str = "nothing"
    ridge: float | None = None
    blend: float | None = None

    def __str__(self) -> str:
        if self.base == "nothing":
            return "label-free"
        if self.ridge is None:
            return f"whitened by {self.base}"
        return f"whitened by {self.base} x {self.blend:g} beside discriminants, ridge {self.ridge:g}"


LABEL_FREE = Candidate()
WHITENED = Candidate("labels")


@dataclass(frozen=True)
class Split:
    """Queries whose labels a fit has not seen, and the rows among which they are asked.

    Both are sorted. ``fold`` or ``group`` is what the fit leaves out: images of a fold, or all classes of a group.
    """

    fold: int | None
    group: int | None
    queries: Rows
    references: Rows


@dataclass(frozen=True)
class Choice:
    """The chosen candidate, and precision of cross-validation: of it and of the label-free metric.

    ``seen`` are images of classes with labels, ``unseen`` those of classes that a fit did not know; NaN where there
    is nothing to ask. ``weight`` is what the unseen count. ``pairs`` tells how well held-out pairs are ranked, where
    there are pairs alone (`imgsim.learning.pair_choice`).
    """

    candidate: Candidate
    weight: float
    seen: float
    seen_label_free: float
    unseen: float
    unseen_label_free: float
    pairs: float = float("nan")
    pairs_label_free: float = float("nan")


def choose(seen: Sequence[dict[Candidate, Values]], unseen: Sequence[dict[Candidate, Values]], weight: float) -> Choice:
    """Choose the candidate of the largest gain over the label-free metric.

    The gain is ``(1 - weight) * seen + weight * unseen``, where of the unseen a gain counts `GAIN` times, and a loss
    beyond `TOLERANCE` `LOSS` times. A gain that is not above its standard error is none.

    Parameters
    ----------
    seen, unseen : sequence of dict
        By split, the precision of each query by candidate, the label-free one among them.
    weight : float
        From 0 to 1.
    """
    of_seen, of_unseen = joined_splits(seen), joined_splits(unseen)
    free = [_mean(found, LABEL_FREE) for found in (of_seen, of_unseen)]
    best, most = LABEL_FREE, 0.0
    for candidate in of_seen or of_unseen:
        gain, error = gain_of(of_seen, of_unseen, candidate, weight)
        if gain > max(most, error):
            best, most = candidate, gain
    return Choice(best, weight, _mean(of_seen, best), free[0], _mean(of_unseen, best), free[1])


def gain_of(
    seen: dict[Candidate, Values], unseen: dict[Candidate, Values], candidate: Candidate, weight: float
) -> tuple[float, float]:
    """Return the weighed gain of a candidate over the label-free metric, and its standard error."""
    total, variance = 0.0, 0.0
    for found, share, is_new in ((seen, 1 - weight, False), (unseen, weight, True)):
        if not found or not share:
            continue
        difference = found[candidate] - found[LABEL_FREE]
        mean = float(difference.mean())
        total += share * (_of_others(mean) if is_new else mean)
        variance += share**2 * float(difference.var()) / len(difference)
    return total, variance**0.5


def _of_others(change: float) -> float:
    """Weigh a change of classes without labels."""
    return GAIN * max(0.0, change) + LOSS * min(0.0, change + TOLERANCE)


def joined_splits(splits: Sequence[dict[Candidate, Values]]) -> dict[Candidate, Values]:
    """Join the queries of all splits."""
    return {name: np.concatenate([found[name] for found in splits]) for name in (splits[0] if splits else {})}


def _mean(found: dict[Candidate, Values], candidate: Candidate) -> float:
    return float(found[candidate].mean()) if found else float("nan")


def blended_precision(
    whitened: Matrix, discriminants: Matrix | None, split: Split, labels: Rows, blends: Sequence[float]
) -> Iterator[Values]:
    """Yield the precision of each query for each blend, as `Teacher` fits it but without the final rotation.

    Parameters
    ----------
    whitened, discriminants : (n, d), (n, e) float32
        Both of mean square length 1.
    split : Split
    labels : (n, m) int64
        Classes of each row, -1 where there are fewer than m.
    blends : sequence of float
        Weights of ``whitened``.
    """
    first = _products(whitened, split)
    second = None if discriminants is None else _products(discriminants, split)
    similarity = np.empty_like(first[0])
    for blend in blends:
        lengths = first[1] * np.float32(blend**2)
        np.multiply(first[0], np.float32(blend**2), out=similarity)
        if second is not None:
            lengths += second[1]
            similarity += second[0]
        similarity /= np.sqrt(np.maximum(lengths, 1e-12))
        yield precision(similarity, split, labels)


def _products(vectors: Matrix, split: Split) -> tuple[Matrix, Matrix]:
    references = vectors[split.references]
    return vectors[split.queries] @ references.T, np.einsum("nd,nd->n", references, references)


def precision(similarity: NDArray[Any], split: Split, labels: Rows, k: int = DEFAULT_K) -> Values:
    """Compute the share of each query's nearest references that have a label of its own, (q,).

    Of a query whose class has fewer than ``k`` references, as many are counted as there are.

    Parameters
    ----------
    similarity : (q, r) float32
        Of queries and references; changed.
    split : Split
    labels : (n, m) int64
    k : int
    """
    at = np.searchsorted(split.references, split.queries)
    own = np.flatnonzero(split.references[np.minimum(at, len(split.references) - 1)] == split.queries)
    similarity[own, at[own]] = -np.inf
    k = min(k, len(split.references) - 1)
    nearest = np.argpartition(similarity, -k, axis=1)[:, -k:]
    order = np.argsort(np.take_along_axis(similarity, nearest, axis=1), axis=1)[:, ::-1]
    found = split.references[np.take_along_axis(nearest, order, axis=1)]
    hits = share_label(labels[split.queries][:, None], labels[found])
    counted = np.minimum(k, relevant(split, labels))
    return np.asarray((hits * (np.arange(k) < counted[:, None])).sum(axis=1) / np.maximum(counted, 1), np.float64)


def relevant(split: Split, labels: Rows) -> Rows:
    """Count the other references that have a label of each query, (q,)."""
    wanted, references = labels[split.queries], labels[split.references]
    if labels.shape[1] == 1:
        counts = np.bincount(references[references >= 0], minlength=int(labels.max(initial=0)) + 1)
        return np.asarray(counts[wanted[:, 0]] - np.isin(split.queries, split.references))
    sets, at = np.unique(wanted, axis=0, return_inverse=True)
    kinds, counts = np.unique(references, axis=0, return_counts=True)
    shared = np.array([counts[share_label(each, kinds)].sum() for each in sets], np.int64)[at.reshape(-1)]
    return np.asarray(shared - np.isin(split.queries, split.references))


def share_label(left: Rows, right: Rows) -> NDArray[np.bool_]:
    """Return whether two sets of labels, along the last axis and padded by -1, share one."""
    same: Any = (left[..., :, None] == right[..., None, :]) & (left[..., :, None] >= 0)
    return np.asarray(same.any(axis=(-2, -1)))
