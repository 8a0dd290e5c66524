"""Choice of the metric where there are pairs alone: by folds over pairs, no image in two of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from imgsim.features.principal import Matrix, unit
from imgsim.learning.choice import LABEL_FREE, QUERIES, WHITENED, Choice, choose
from imgsim.learning.teacher import Left, Lesson, Teacher

Rows = NDArray[np.int64]
Values = NDArray[np.float64]
PAIR_FOLDS = 5
"""Most folds of pairs."""


def with_pair_folds(lesson: Lesson, seed: int = 0) -> Lesson:
    """Deal the images of pairs into folds; pairs that share an image, and theirs in turn, come into one fold."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    pairs = np.concatenate([lesson.alike, lesson.unlike])
    images, ends = np.unique(pairs, return_inverse=True)
    ends = ends.reshape(-1, 2)
    joined = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), (len(images), len(images)))
    count, part = connected_components(joined, directed=False)
    dealt = np.random.default_rng(seed).permutation(np.arange(count) % PAIR_FOLDS)
    folds = np.full(len(lesson.labels), -1)
    folds[images] = dealt[part]
    return replace(lesson, folds=folds)


def chosen_by_pairs(teacher: Teacher, label_free: Matrix, weight: float) -> Choice:
    """Choose whitening where it ranks held-out pairs better than the label-free metric by more than a standard error.

    Parameters
    ----------
    teacher : Teacher
        Its lesson has folds of pairs (`with_pair_folds`).
    label_free : (n, d) float32
        The rows by the metric without labels.
    weight : float
        Of classes without labels, for the record.
    """
    nothing, lesson = float("nan"), teacher.lesson
    free = Choice(LABEL_FREE, weight, nothing, nothing, nothing, nothing)
    folds = np.unique(lesson.folds[lesson.folds >= 0])
    if len(folds) < 2:  # no pair is left to teach where another one is asked
        return free
    splits = []
    for fold in folds.tolist():
        held = [pairs[lesson.folds[pairs[:, 0]] == fold] for pairs in (lesson.alike, lesson.unlike)]
        metrics = ((LABEL_FREE, label_free), (WHITENED, unit(teacher.whitened(WHITENED.base, Left(fold)))))
        splits.append({name: pair_scores(rows, *held) for name, rows in metrics})
    found = choose(splits, [], 0.0)
    return replace(free, candidate=found.candidate, pairs=found.seen, pairs_label_free=found.seen_label_free)


def pair_scores(rows: Matrix, alike: Rows, unlike: Rows) -> Values:
    """Compute for each pair the share of all other rows that lie farther than its partner, nearer if it is not alike.

    Parameters
    ----------
    rows : (n, d) float32
        Of unit length.
    alike, unlike : (a, 2), (b, 2) int64
        Of each at most the first `QUERIES` are asked.

    Returns
    -------
    (a + b,) float64
        From 0 to 1, the mean of both images of a pair.
    """
    farther = [_share_farther(rows, pairs[:QUERIES]) for pairs in (alike, unlike)]
    return np.concatenate([farther[0], 1 - farther[1]])


def _share_farther(rows: Matrix, pairs: Rows) -> Values:
    total = np.zeros(len(pairs))
    for here, there in (pairs.T, pairs.T[::-1]):
        similarity = rows[here] @ rows.T
        own = np.take_along_axis(similarity, there[:, None], axis=1)
        nearer = (similarity > own).sum(axis=1) - (similarity[np.arange(len(here)), here] > own[:, 0])
        total += 1 - nearer / max(len(rows) - 2, 1)
    return total / 2
