"""Sums over features that every fit of a cross-validation can be put together from: features are read once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from imgsim.features.principal import Matrix, normalized
from imgsim.features.stored import FeatureRows, blocks_of
from imgsim.learning.discriminant import Members, Scatter

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
        Products of the features of each cell, weighted by membership; the lower triangle counts.
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
        """Products of all labelled features, (D, D); the lower triangle counts."""
        return np.asarray(self.grams.sum(axis=(0, 1)))

    def within(self, fold: int | None = None, group: int | None = None) -> Scatter:
        """Return the scatter within classes, without one fold or without the classes of one group, not both."""
        gram = self.total.copy()
        if fold is not None:
            gram -= self.grams[fold].sum(axis=0)
        if group is not None:
            gram -= self.grams[:, group].sum(axis=0)
        sums, sizes = self._classes(fold, group)
        add_products(gram, sums / np.sqrt(sizes).astype(np.float32)[:, None], -1)
        alike = self.alike.without(fold)
        add_products(gram, alike, 0.5)
        return Scatter(gram, float(np.maximum(sizes - 1, 0).sum() + len(alike)))

    def between(self, fold: int | None = None, group: int | None = None) -> Matrix:
        """Return vectors (m, D) whose products add up to the scatter between classes, and of pairs not alike."""
        sums, sizes = self._classes(fold, group)
        common = sums.sum(axis=0) / max(float(sizes.sum()), 1.0)
        means = (sums - sizes[:, None].astype(np.float32) * common) / np.sqrt(sizes).astype(np.float32)[:, None]
        return np.concatenate([means, self.unlike.without(fold) * np.float32(0.5**0.5)])

    def _classes(self, fold: int | None, group: int | None) -> tuple[Matrix, NDArray[np.float64]]:
        """Return the sums (c, D) and sizes (c,) of the classes that are left and not empty."""
        folds, classes = np.arange(len(self.grams)) != fold, self.groups != group
        sums, sizes = self.sums[folds].sum(axis=0)[classes], self.sizes[folds].sum(axis=0)[classes]
        return sums[sizes > 0], sizes[sizes > 0]


def add_products(total: Matrix, rows: Matrix, factor: float = 1.0) -> None:
    """Add the products of rows (m, D), times a factor, to the lower triangle of a matrix (D, D) in place."""
    from scipy.linalg.blas import ssyrk

    if len(rows):
        ssyrk(factor, rows.T, beta=1.0, c=total.T, overwrite_c=True)


def gather(
    blocks: Iterable[tuple[int, Matrix]],
    d: int,
    members: Members,
    folds: Rows,
    groups: Rows,
    pairs: tuple[Rows, Rows],
) -> Moments:
    """Sum vectors of length ``d``, read block by block.

    Parameters
    ----------
    blocks : iterable of (int, (m, d) float32)
        Position of each block's first row, and its vectors; all rows in order.
    d : int
    members : Members
        Of their rows.
    folds : (n,) int64
        Fold of each row, -1 for rows without label.
    groups : (c,) int64
        Group of each class.
    pairs : tuple of (a, 2) and (b, 2) int64
        Rows of alike pairs, and of pairs that are not alike.
    """
    from scipy.sparse import csr_array

    shape = (int(folds.max(initial=0)) + 1, int(groups.max(initial=0)) + 1)
    sizes = np.zeros((shape[0], len(groups)))
    np.add.at(sizes, (folds[members.rows], members.classes), members.weights)
    order = np.argsort(members.rows, kind="stable")
    rows, classes, weights = members.rows[order], members.classes[order], members.weights[order].astype(np.float32)
    cells, places = folds[rows] * shape[1] + groups[classes], folds[rows] * len(groups) + classes
    paired = np.unique(np.concatenate(pairs))
    grams, sums = np.zeros((*shape, d, d), np.float32), np.zeros((sizes.size, d), np.float32)
    ends = np.zeros((len(paired), d), np.float32)
    for start, block in blocks:
        part = slice(*np.searchsorted(rows, [start, start + len(block)]))
        here, cell, weight = rows[part] - start, cells[part], weights[part]
        sums += csr_array((weight, (places[part], here)), (len(sums), len(block))) @ block
        for each in np.unique(cell):
            chosen = cell == each
            add_products(grams[divmod(int(each), shape[1])], block[here[chosen]] * np.sqrt(weight[chosen])[:, None])
        ended = slice(*np.searchsorted(paired, [start, start + len(block)]))
        ends[ended] = block[paired[ended] - start]
    at = [np.searchsorted(paired, each) for each in pairs]
    alike, unlike = (
        Differences(ends[each[:, 0]] - ends[each[:, 1]], folds[judged]) for each, judged in zip(at, pairs, strict=True)
    )
    return Moments(grams, sums.reshape(*sizes.shape, d), sizes, groups, alike, unlike)


def parts_of(rows: Matrix) -> Iterator[tuple[int, Matrix]]:
    """Yield the position of each part's first row, and the part."""
    for start in range(0, len(rows), _BLOCK):
        yield start, rows[start : start + _BLOCK]


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
