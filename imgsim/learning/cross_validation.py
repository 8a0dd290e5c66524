"""Cross-validation of metrics: over folds of images, and over groups of classes that a fit does not know."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from imgsim.features.principal import Matrix
from imgsim.learning.choice import (
    BLENDS,
    LABEL_FREE,
    QUERIES,
    RIDGES,
    WHITENED,
    Candidate,
    Choice,
    Split,
    blended_precision,
    choose,
    gain_of,
    joined_splits,
    relevant,
)
from imgsim.learning.discriminant import Members
from imgsim.learning.folds import class_groups, picture_folds
from imgsim.learning.supervision import Supervision
from imgsim.learning.teacher import Left, Lesson, Teacher, length
from imgsim.neighbors.exact import exact_knn

Rows = NDArray[np.int64]
Values = NDArray[np.float64]
FOLDS = 5
"""Most folds of images."""
FEW = 2000
"""With more labelled images two of the folds are enough to choose by."""
LEAST_WEIGHT = 0.01
"""Classes without labels that weigh less are not measured: they could not change the choice."""
GROUPS = 3
"""Groups of classes that are left out in turn."""


def lesson_of(supervision: Supervision, rows: Rows, classes: Sequence[str], seed: int = 0) -> Lesson:
    """Give numbers to the labels of chosen rows, each a picture of its own, and deal them into folds.

    Parameters
    ----------
    supervision : Supervision
        Of all images.
    rows : (n,) int64
    classes : sequence of str
        All labels, sorted.
    """
    number = {name: code for code, name in enumerate(classes)}
    sets = [[number[name] for name in supervision.labels[row]] for row in rows.tolist()]
    labels = np.full((len(rows), max([1, *map(len, sets)])), -1)
    for row, found in enumerate(sets):
        labels[row, : len(found)] = found
    at, place = np.nonzero(labels >= 0)
    counts = (labels >= 0).sum(axis=1)
    members = Members(at, labels[at, place], 1 / counts[at])
    folds = picture_folds(labels[:, 0], np.arange(len(rows)), fold_count(labels), seed)
    count = max(1, min(GROUPS, len(classes)))
    position = {row: at for at, row in enumerate(rows.tolist())}
    pairs = [
        np.array([(position[one], position[other]) for one, other in found.tolist() if {one, other} <= position.keys()])
        for found in (supervision.alike, supervision.unlike)
    ]
    alike, unlike = (found.reshape(-1, 2).astype(np.int64) for found in pairs)
    return Lesson(members, labels, folds, class_groups(len(classes), count, seed), alike, unlike)


def fold_count(labels: Rows) -> int:
    """Return the folds, so many that each can hold two images of the median class."""
    if not few_labels(labels):
        return FOLDS
    sizes = np.bincount(labels[labels >= 0])
    several = sizes[sizes > 1]
    return int(np.clip(np.median(several) // 2, 2, FOLDS)) if len(several) else 2


def few_labels(labels: Rows) -> bool:
    """Return whether most images are without a label: then neighbours are mostly images that no fit has seen."""
    return bool(2 * (labels[:, 0] >= 0).sum() < len(labels))


def splits_of(lesson: Lesson, seed: int = 0) -> tuple[list[Split], list[Split]]:
    """Return the splits over images, and over classes.

    Queries are asked among all labelled images. Where few have labels, those of a fold are asked among the fold only:
    images that taught the metric lie closer together than those that it will find.
    """
    rng = np.random.default_rng(seed)
    labelled = np.flatnonzero(lesson.labels[:, 0] >= 0)
    few, folds = few_labels(lesson.labels), int(lesson.folds.max(initial=-1)) + 1
    used = folds if len(labelled) <= FEW else 2
    seen, unseen = [], []
    for fold in range(used):
        held = np.flatnonzero(lesson.folds == fold)
        seen.append(_split(fold, None, held, held if few else labelled, lesson.labels, rng))
    groups = np.where(lesson.labels >= 0, lesson.groups[lesson.labels], -1)
    count = int(lesson.groups.max(initial=0)) + 1
    for group in range(count if count > 1 else 0):
        held = np.flatnonzero((groups == group).any(axis=1) & ((groups == group) | (groups < 0)).all(axis=1))
        unseen.append(_split(None, group, held, labelled, lesson.labels, rng))
    return [split for split in seen if len(split.queries)], [split for split in unseen if len(split.queries)]


def _split(
    fold: int | None, group: int | None, held: Rows, references: Rows, labels: Rows, rng: np.random.Generator
) -> Split:
    asking = held[relevant(Split(fold, group, held, references), labels) > 0]
    if len(asking) > QUERIES:
        asking = np.sort(rng.choice(asking, QUERIES, replace=False))
    return Split(fold, group, asking, references)


def cross_validated(teacher: Teacher, label_free: Matrix, weight: float) -> Choice:
    """Choose the metric.

    Parameters
    ----------
    teacher : Teacher
    label_free : (n, d) float32
        The rows by the metric without labels.
    weight : float
        Of classes without labels.
    """
    seen, unseen = splits_of(teacher.lesson)
    unseen = unseen if weight >= LEAST_WEIGHT else []
    splits = [*seen, *unseen]
    discriminants = teacher.discriminants(RIDGES, list(map(_left, splits)))
    whitened = [teacher.whitened(WHITENED.base, _left(split)) for split in splits]
    alone = [
        {
            candidate: next(blended_precision(rows, None, split, teacher.lesson.labels, (1.0,)))
            for candidate, rows in ((LABEL_FREE, label_free), (WHITENED, taught))
        }
        for split, taught in zip(splits, whitened, strict=True)
    ]
    first = (joined_splits(alone[: len(seen)]), joined_splits(alone[len(seen) :]))
    base = WHITENED.base if gain_of(*first, WHITENED, weight)[0] >= 0 else "neighbours"
    if base != WHITENED.base:
        whitened = [teacher.whitened(base)] * len(splits)  # by no label: the same for all
    scores = [
        found | _scores_beside(base, taught, rows, split, teacher.lesson.labels)
        for found, taught, rows, split in zip(alone, whitened, discriminants, splits, strict=True)
    ]
    return choose(scores[: len(seen)], scores[len(seen) :], weight)


def _scores_beside(
    base: str, whitened: Matrix, discriminants: Sequence[Matrix], split: Split, labels: Rows
) -> dict[Candidate, Values]:
    """Return the precision of each query of a split by discriminants of each ridge beside whitened rows."""
    found: dict[Candidate, Values] = {}
    for ridge, rows in zip(RIDGES, discriminants, strict=True):
        each = blended_precision(whitened, rows / length(rows), split, labels, BLENDS)
        found |= {Candidate(base, ridge, blend): values for blend, values in zip(BLENDS, each, strict=True)}
    return found


def _left(split: Split) -> Left:
    return Left(split.fold, split.group)


def held_out_neighbors(teacher: Teacher, candidate: Candidate, final: Matrix, depth: int) -> NDArray[np.int32]:
    """Return the nearest rows of each row, (n, depth), by a metric that has not seen its label.

    Rows with a label are asked by the fit without their fold, others by ``final``, (n, d): the fit on all.
    """
    folds = teacher.lesson.folds
    found = np.empty((len(folds), depth), np.int32)
    without = np.flatnonzero(folds < 0)
    found[without] = exact_knn(final[without], final, depth, exclude=without)[0]
    count = int(folds.max(initial=-1)) + 1
    for fold, rows in enumerate(teacher.rows(candidate, [Left(fold) for fold in range(count)])):
        held = np.flatnonzero(folds == fold)
        found[held] = exact_knn(rows[held], rows, depth, exclude=held)[0]
    return found
