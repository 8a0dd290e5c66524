"""Folds of a cross-validation: by picture, so that copies of one never tell on each other, and by class."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int64]


def picture_folds(codes: Codes, pictures: Codes, count: int, seed: int = 0) -> Codes:
    """Deal images into folds class by class, so that each fold holds its share of every class.

    Parameters
    ----------
    codes : (n,) int64
        A class of each image; -1 for images that are in no fold.
    pictures : (n,) int64
        Equal numbers for images of the same picture.
    count : int
        Folds.
    seed : int

    Returns
    -------
    (n,) int64
        From 0 to ``count`` - 1; -1 for images without a class. Those of one picture are in one fold, whatever their
        classes.
    """
    rng = np.random.default_rng(seed)
    rows = np.flatnonzero(codes >= 0)
    _, first, picture = np.unique(pictures[rows], return_index=True, return_inverse=True)
    shuffled = rng.permutation(len(first))
    order = shuffled[np.argsort(codes[rows[first[shuffled]]], kind="stable")]
    dealt = np.empty(len(first), np.int64)
    dealt[order] = np.arange(len(first)) % count
    folds = np.full(len(codes), -1)
    folds[rows] = dealt[picture.reshape(-1)]
    return folds


def class_groups(classes: int, count: int, seed: int = 0) -> Codes:
    """Deal classes into groups at random; return the group of each, (classes,)."""
    groups = np.empty(classes, np.int64)
    groups[np.random.default_rng(seed).permutation(classes)] = np.arange(classes) % count
    return groups
