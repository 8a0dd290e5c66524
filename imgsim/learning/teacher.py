"""Fits of the metric, with any fold of images or group of classes left out, from sums that are gathered once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imgsim.features.principal import Matrix, Principal, principal_directions, unit
from imgsim.features.stored import FeatureRows
from imgsim.features.whitening import Pairs
from imgsim.learning.choice import Candidate
from imgsim.learning.discriminant import (
    Members,
    Scatter,
    discriminant_map,
    neighbor_scatter,
    pair_scatter,
    ridged,
    whitening_map,
    within_covariance,
)
from imgsim.learning.moments import Moments, centred_blocks, gather, mapped, parts_of

Rows = NDArray[np.int64]
Values = NDArray[np.float64]
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
    pairs : Pairs
        Of the same rows, mutual neighbours by the label-free metric.
    lesson : Lesson
    dims : int
        Most dimensions of the metric.
    least : int
        Principal directions that are whitened in any case, where there are few rows: those of the label-free metric.
    """

    def __init__(self, features: FeatureRows, pairs: Pairs, lesson: Lesson, dims: int, least: int = 2) -> None:
        self.features, self.lesson, self.dims = features, lesson, dims
        directions = max(least, len(features) // 4)
        self.principal: Principal = principal_directions(features, min(DIRECTIONS * dims, directions))
        self.mean = self.principal.mean.astype(np.float32)
        self._neighbors: Scatter = neighbor_scatter(self.principal.scores, pairs)
        self._of_features = self._moments(centred_blocks(features, self.mean), features.shape[1])
        scores = self.principal.scores
        self._of_scores = self._moments(parts_of(scores), scores.shape[1])
        self._whitenings: dict[tuple[str, Left], Values] = {}
        self._discriminants: dict[tuple[float, Left], Matrix] = {}
        self._discriminated: dict[tuple[float, Left], Matrix] = {}

    def _moments(self, blocks: Iterable[tuple[int, Matrix]], d: int) -> Moments:
        lesson = self.lesson
        return gather(blocks, d, lesson.members, lesson.folds, lesson.groups, (lesson.alike, lesson.unlike))

    def whitening(self, base: str, left: Left = EVERYTHING) -> Values:
        """Fit the whitening: a map (p, k) of principal scores, whose results have mean square length 1.

        ``base`` is ``"labels"``, or ``"neighbours"`` for one that uses neither labels nor pairs.
        """
        if (base, left) not in self._whitenings:
            self._whitenings[base, left] = self._whitening(base, left)
        return self._whitenings[base, left]

    def _whitening(self, base: str, left: Left) -> Values:
        values = self.principal.values
        total, within = np.diag(values), within_covariance(_NOTHING, self._neighbors)
        if base == "labels":
            total, within = self._taught(left)
        found = whitening_map(total, within, self.dims)
        return np.asarray(found / np.sqrt(max(float(np.einsum("pk,p,pk->", found, values, found)), _TINY)))

    def _taught(self, left: Left) -> tuple[Values, Values]:
        """Return the covariances of all rows and within classes, as labels and pairs tell."""
        taught = self._of_scores.within(left.fold, left.group)
        apart = pair_scatter(self._of_scores.unlike.without(left.fold))
        n = len(self.principal.scores)
        total = (n * np.diag(self.principal.values) + apart.total) / (n + apart.freedom)
        return total, within_covariance(Scatter(taught.total.astype(np.float64), taught.freedom), self._neighbors)

    def discriminants(self, ridges: Sequence[float], lefts: Sequence[Left]) -> list[list[Matrix]]:
        """Return all rows by the discriminants of each ridge, (n, k) each, for each of ``lefts``.

        Each is fitted once; those that are new are applied in one pass over the features.
        """
        new: list[tuple[float, Left]] = []
        for left in dict.fromkeys(lefts):
            missing = [ridge for ridge in ridges if (ridge, left) not in self._discriminated]
            keys = [(ridge, left) for ridge in missing]
            self._discriminants |= zip(keys, self._fitted(missing, left), strict=True)
            new += keys
        self._discriminated |= zip(new, self._mapped([self._discriminants[key] for key in new]), strict=True)
        return [[self._discriminated[ridge, left] for ridge in ridges] for left in lefts]

    def _fitted(self, ridges: Sequence[float], left: Left) -> list[Matrix]:
        """Fit the discriminants (D, k) for each ridge."""
        if not ridges:
            return []
        scatter = self._of_features.within(left.fold, left.group)
        between = self._of_features.between(left.fold, left.group)
        if not scatter.freedom or not between.any():
            return [np.zeros((len(self.mean), 0), np.float32) for _ in ridges]
        within = scatter.total / np.float32(scatter.freedom)
        return [discriminant_map(ridged(within, ridge), between, self.dims) for ridge in ridges]

    def _mapped(self, maps: Sequence[Matrix]) -> list[Matrix]:
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
        folds = map(Left, range(int(self.lesson.folds.max(initial=-1)) + 1))
        scores = self.discriminants([candidate.ridge], [EVERYTHING, *folds])[0][0]  # the evaluation asks for the others
        second = self._discriminants[candidate.ridge, EVERYTHING]
        both = np.concatenate([candidate.blend * first, second / length(scores)], axis=1)
        turned = rotation(joined(self.whitened(candidate.base), scores, candidate.blend), self.dims)
        return np.ascontiguousarray(both @ turned, np.float32)

    def rows(self, candidate: Candidate, lefts: Sequence[Left]) -> list[Matrix]:
        """Return the embeddings (n, k) of all rows by fits of a candidate, each with something left out."""
        whitened = [self.whitened(candidate.base, left) for left in lefts]
        if candidate.ridge is None or candidate.blend is None:
            return [unit(each) for each in whitened]
        scores = [found[0] for found in self.discriminants([candidate.ridge], lefts)]
        both = (joined(*rows, candidate.blend) for rows in zip(whitened, scores, strict=True))
        return [unit(each @ rotation(each, self.dims)) for each in both]


def joined(whitened: Matrix, discriminants: Matrix, blend: float) -> Matrix:
    """Put whitened rows times ``blend`` beside discriminants of mean square length 1, (n, d + e)."""
    return np.concatenate([np.float32(blend) * whitened, discriminants / length(discriminants)], axis=1)


def rotation(rows: Matrix, dims: int) -> Matrix:
    """Return the rotation (d, k) of rows to the directions in which they are longest."""
    _, vectors = np.linalg.eigh((rows.T @ rows).astype(np.float64))
    return np.asarray(vectors[:, ::-1][:, :dims], np.float32)


def length(rows: Matrix) -> np.float32:
    """Return the root of the mean square length of rows; 1 where all are 0."""
    square = float(np.einsum("nd,nd->", rows, rows, dtype=np.float64)) / max(len(rows), 1)
    return np.float32(square**0.5) if square > 0 else np.float32(1)
