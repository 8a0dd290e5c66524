"""Sums over features that every fit of a cross-validation can be put together from: features are read once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from imgsim.features.principal import Matrix, normalized
from imgsim.features.stored import FeatureRows, blocks_of
from imgsim.learning.discriminant import Members, Scatter, between_gram, pair_scatter

Rows = NDArray[np.int64]
_BLOCK = 4096


@dataclass(frozen=True)
class Differences:
    """Differences (m, D) of the features of pairs, and the folds (m, 2) of their rows, -1 for rows without label."""

    vectors: Matrix
    folds: Rows

    def without(self, fold: int | None) -> Matrix:
        """Return those of pairs that no row of a fold is in; all for None."""
        return self.vectors if fold is None else self.vectors[(self.folds != fold).all(axis=1)]


@dataclass(frozen=True)
class Moments:
    """Sums of labelled features, by cell: a fold and a group of classes.

    Parameters
    ----------
    grams : (f, g, D, D) float32
        Products of the features of each cell, weighted by membership.
    sums : (f, c, D) float32
        Sums of the features of each class, by fold.
    sizes : (f, c)
        Their weights.
    groups : (c,) int64
        Group of each class.
    alike, unlike : Differences
        Of pairs that people judged.
    """

    grams: Matrix
    sums: Matrix
    sizes: NDArray[np.float64]
    groups: Rows
    alike: Differences
    unlike: Differences

    @cached_property
    def total(self) -> Matrix:
        """Products of all labelled features, (D, D)."""
        return np.asarray(self.grams.sum(axis=(0, 1)))

    def within(self, fold: int | None = None, group: int | None = None) -> Scatter:
        """Return the scatter within classes, without one fold or without the classes of one group, not both."""
        folds, classes = np.arange(len(self.grams)) != fold, self.groups != group
        gram = self.total
        if fold is not None:
            gram = gram - self.grams[fold].sum(axis=0)
        if group is not None:
            gram = gram - self.grams[:, group].sum(axis=0)
        sums, sizes = self.sums[folds].sum(axis=0)[classes], self.sizes[folds].sum(axis=0)[classes]
        found = Scatter(gram - between_gram(sums, sizes), float(np.maximum(sizes - 1, 0).sum()))
        return found + pair_scatter(self.alike.without(fold))

    def between(self, fold: int | None = None, group: int | None = None) -> Matrix:
        """Return vectors (m, D) whose products add up to the scatter between classes, and of pairs not alike."""
        folds = np.arange(len(self.grams)) != fold
        classes = self.groups != group
        sums, sizes = self.sums[folds].sum(axis=0)[classes], self.sizes[folds].sum(axis=0)[classes]
        sums, sizes = sums[sizes > 0], sizes[sizes > 0].astype(np.float32)
        common = sums.sum(axis=0) / max(float(sizes.sum()), 1.0)
        means = (sums - sizes[:, None] * common) / np.sqrt(sizes)[:, None]
        return np.concatenate([means, self.unlike.without(fold) * np.float32(0.5**0.5)])


def gather(
    features: FeatureRows, mean: Matrix, members: Members, folds: Rows, groups: Rows, pairs: tuple[Rows, Rows]
) -> Moments:
    """Sum features (n, D), read block by block.

    Parameters
    ----------
    features : (n, D)
    mean : (D,)
        Of the normalised features.
    members : Members
        Of their rows.
    folds : (n,) int64
        Fold of each row, -1 for rows without label.
    groups : (c,) int64
        Group of each class.
    pairs : tuple of (a, 2) and (b, 2) int64
        Rows of alike pairs, and of pairs that are not alike.
    """
    shape, d = (int(folds.max(initial=0)) + 1, int(groups.max(initial=0)) + 1), features.shape[1]
    grams, sums = np.zeros((*shape, d, d), np.float32), np.zeros((shape[0], len(groups), d), np.float32)
    sizes = np.zeros((shape[0], len(groups)))
    np.add.at(sizes, (folds[members.rows], members.classes), members.weights)
    order = np.argsort(members.rows, kind="stable")
    rows, classes, weights = members.rows[order], members.classes[order], members.weights[order].astype(np.float32)
    paired = np.unique(np.concatenate(pairs))
    ends = np.zeros((len(paired), d), np.float32)
    for start, block in centred_blocks(features, mean):
        part = slice(*np.searchsorted(rows, [start, start + len(block)]))
        cell = folds[rows[part]] * shape[1] + groups[classes[part]]
        found = block[rows[part] - start]
        np.add.at(sums, (folds[rows[part]], classes[part]), found * weights[part, None])
        for each in np.unique(cell):
            chosen = found[cell == each] * np.sqrt(weights[part][cell == each])[:, None]
            grams[divmod(int(each), shape[1])] += chosen.T @ chosen
        here = slice(*np.searchsorted(paired, [start, start + len(block)]))
        ends[here] = block[paired[here] - start]
    at = [np.searchsorted(paired, each) for each in pairs]
    alike, unlike = (
        Differences(ends[each[:, 0]] - ends[each[:, 1]], folds[judged]) for each, judged in zip(at, pairs, strict=True)
    )
    return Moments(grams, sums, sizes, groups, alike, unlike)


def centred_blocks(features: FeatureRows, mean: Matrix) -> Iterator[tuple[int, Matrix]]:
    """Yield the position of each block's first row, and the normalised features less their mean."""
    position = 0
    for block in blocks_of(features):
        for start in range(0, len(block), _BLOCK):
            part = normalized(block[start : start + _BLOCK]) - mean
            yield position, part
            position += len(part)


def mapped(features: FeatureRows, mean: Matrix, components: Matrix) -> Matrix:
    """Project normalised features less their mean by (D, k) components, (n, k) float32."""
    out = np.empty((len(features), components.shape[1]), np.float32)
    for start, block in centred_blocks(features, mean):
        np.matmul(block, components, out=out[start : start + len(block)])
    return out
