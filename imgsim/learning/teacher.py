"""Fits of the metric, with any fold of images or group of classes left out, from sums that are gathered once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imgsim.features.principal import Matrix, Principal, principal_directions, unit
from imgsim.features.stored import FeatureRows
from imgsim.features.whitening import Pairs, mutual_pairs
from imgsim.learning.choice import Candidate
from imgsim.learning.discriminant import (
    Members,
    Scatter,
    class_scatter,
    discriminant_map,
    neighbor_scatter,
    pair_scatter,
    ridged,
    whitening_map,
    within_covariance,
)
from imgsim.learning.moments import Moments, gather, mapped

Rows = NDArray[np.int64]
Values = NDArray[np.float64]
PAIR_ROWS = 8192
"""Most rows among which mutual neighbours are searched."""
DIRECTIONS = 4
"""Principal directions that are whitened, for each dimension of the metric."""
_TINY = 1e-12
_NOTHING = Scatter(np.zeros((0, 0)), 0.0)


@dataclass(frozen=True)
class Left:
    """Images of a fold, or all classes of a group, that a fit leaves out; neither for a fit on all."""

    fold: int | None = None
    group: int | None = None


EVERYTHING = Left()


@dataclass(frozen=True)
class Lesson:
    """Labels and pairs of n rows, by number.

    Parameters
    ----------
    members : Members
    labels : (n, m) int64
        Classes of each row, -1 where there are fewer than m.
    folds : (n,) int64
        Fold of each labelled row, -1 for others; of pairs alone that of each row in a pair.
    groups : (c,) int64
        Group of each class.
    alike, unlike : (a, 2), (b, 2) int64
    """

    members: Members
    labels: Rows
    folds: Rows
    groups: Rows
    alike: Rows
    unlike: Rows


class Teacher:
    """Everything that fits of a metric are made of.

    Parameters
    ----------
    features : (n, D)
    embeddings : (n, d) float32
        Of the same rows, by the label-free metric.
    lesson : Lesson
    dims : int
        Most dimensions of the metric.
    """

    def __init__(self, features: FeatureRows, embeddings: Matrix, lesson: Lesson, dims: int) -> None:
        self.features, self.lesson, self.dims = features, lesson, dims
        directions = max(2, embeddings.shape[1], len(features) // 4)  # few rows: as many as without labels
        self.principal: Principal = principal_directions(features, min(DIRECTIONS * dims, directions))
        self.mean = self.principal.mean.astype(np.float32)
        pairs: Pairs = mutual_pairs(embeddings[:PAIR_ROWS])
        self._neighbors: Scatter = neighbor_scatter(self.principal.scores, pairs)
        judged = (lesson.alike, lesson.unlike)
        self._moments: Moments = gather(features, self.mean, lesson.members, lesson.folds, lesson.groups, judged)

    def whitening(self, base: str, left: Left = EVERYTHING) -> Values:
        """Fit the whitening: a map (p, k) of principal scores, whose results have mean square length 1.

        ``base`` is ``"labels"``, or ``"neighbours"`` for one that uses neither labels nor pairs.
        """
        values = self.principal.values
        total, within = np.diag(values), within_covariance(_NOTHING, self._neighbors)
        if base == "labels":
            total, within = self._taught(left)
        found = whitening_map(total, within, self.dims)
        return np.asarray(found / np.sqrt(max(float(np.einsum("pk,p,pk->", found, values, found)), _TINY)))

    def _taught(self, left: Left) -> tuple[Values, Values]:
        """Return the covariances of all rows and within classes, as labels and pairs tell."""
        scores, lesson, values = self.principal.scores, self.lesson, self.principal.values
        members = lesson.members
        if left.fold is not None:
            members = members.among(lesson.folds != left.fold)
        if left.group is not None:
            members = members.of_classes(lesson.groups != left.group)
        alike, unlike = (_without(pairs, lesson.folds, left.fold) for pairs in (lesson.alike, lesson.unlike))
        taught = class_scatter(scores, members) + pair_scatter(scores[alike[:, 0]] - scores[alike[:, 1]])
        apart = pair_scatter(scores[unlike[:, 0]] - scores[unlike[:, 1]])
        total = (len(scores) * np.diag(values) + apart.total) / (len(scores) + apart.freedom)
        return total, within_covariance(taught, self._neighbors)

    def discriminants(self, ridges: Sequence[float], left: Left = EVERYTHING) -> list[Matrix]:
        """Fit the discriminants (D, k) for each ridge."""
        scatter = self._moments.within(left.fold, left.group)
        between = self._moments.between(left.fold, left.group)
        if not scatter.freedom or not between.any():
            return [np.zeros((len(self.mean), 0), np.float32) for _ in ridges]
        within = (scatter.total / np.float32(scatter.freedom)).astype(np.float32)
        return [discriminant_map(ridged(within, ridge), between, self.dims) for ridge in ridges]

    def mapped(self, maps: Sequence[Matrix]) -> list[Matrix]:
        """Apply maps (D, k) to all rows, (n, k) each, in one pass over the features."""
        if not maps:
            return []
        found = mapped(self.features, self.mean, np.concatenate(maps, axis=1))
        return np.split(found, np.cumsum([each.shape[1] for each in maps])[:-1], axis=1)

    def whitened(self, base: str, left: Left = EVERYTHING) -> Matrix:
        """Return the whitened rows (n, k), of mean square length 1."""
        return self.principal.scores @ self.whitening(base, left).astype(np.float32)

    def components(self, candidate: Candidate) -> Matrix:
        """Fit a candidate on all labels and pairs: the (D, k) components of the projection, k at most `dims`."""
        first = (self.principal.vectors @ self.whitening(candidate.base)).astype(np.float32)
        if candidate.ridge is None or candidate.blend is None:
            return first
        second = self.discriminants([candidate.ridge])[0]
        scores = self.mapped([second])[0]
        both = np.concatenate([candidate.blend * first, second / length(scores)], axis=1)
        return np.ascontiguousarray(
            both @ rotation(self.whitened(candidate.base), scores, candidate.blend, self.dims), np.float32
        )

    def rows(self, candidate: Candidate, lefts: Sequence[Left]) -> list[Matrix]:
        """Return the embeddings (n, k) of all rows by fits of a candidate, each with something left out."""
        whitened = [self.whitened(candidate.base, left) for left in lefts]
        if candidate.ridge is None or candidate.blend is None:
            return [unit(each) for each in whitened]
        scores = self.mapped([self.discriminants([candidate.ridge], left)[0] for left in lefts])
        return [
            unit(joined(first, second, candidate.blend) @ rotation(first, second, candidate.blend, self.dims))
            for first, second in zip(whitened, scores, strict=True)
        ]


def joined(whitened: Matrix, discriminants: Matrix, blend: float) -> Matrix:
    """Put whitened rows times ``blend`` beside discriminants of mean square length 1, (n, d + e)."""
    return np.concatenate([np.float32(blend) * whitened, discriminants / length(discriminants)], axis=1)


def rotation(whitened: Matrix, discriminants: Matrix, blend: float, dims: int) -> Matrix:
    """Return the rotation (d + e, k) of joined rows to the directions in which they are longest."""
    both = joined(whitened, discriminants, blend)
    _, vectors = np.linalg.eigh((both.T @ both).astype(np.float64))
    return np.asarray(vectors[:, ::-1][:, :dims], np.float32)


def length(rows: Matrix) -> np.float32:
    """Return the root of the mean square length of rows; 1 where all are 0."""
    square = float(np.einsum("nd,nd->", rows, rows, dtype=np.float64)) / max(len(rows), 1)
    return np.float32(square**0.5) if square > 0 else np.float32(1)


def _without(pairs: Rows, folds: Rows, fold: int | None) -> Rows:
    """Return the pairs that no row of a fold is in; all for None."""
    return pairs if fold is None else pairs[(folds[pairs] != fold).all(axis=1)]
