"""Features that stay in the store, and are read block by block: all of them together may not fit into memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imgsim.errors import ModelFormatError
from imgsim.features.store import FeatureStore

Matrix = NDArray[np.float32]
BLOCK_ROWS = 2048
"""Rows that are read together: 19 MB of 2,304 values, four times that while they are read.

A multiple of the blocks in which a projection is fitted.
"""


@dataclass(frozen=True)
class StoredFeatures:
    """Features (n, D) of files by sha256, which are read from the store when they are asked for.

    Parameters
    ----------
    store : FeatureStore
    fingerprint : str
        Of the network and preprocessing that made them.
    keys : sequence of str
        sha256 of the file of each row.
    dim : int
        Values of a feature, D.
    """

    store: FeatureStore
    fingerprint: str
    keys: Sequence[str]
    dim: int

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and values of the matrix that they are."""
        return len(self.keys), self.dim

    def __getitem__(self, rows: NDArray[np.int64]) -> StoredFeatures:
        """Select rows by position; nothing is read."""
        keys = [self.keys[row] for row in rows.tolist()]
        return StoredFeatures(self.store, self.fingerprint, keys, self.dim)

    def followed_by(self, other: StoredFeatures) -> StoredFeatures:
        """Return these rows and those of another after them, of the same store and network; nothing is read."""
        return StoredFeatures(self.store, self.fingerprint, [*self.keys, *other.keys], self.dim)

    def missing(self) -> int:
        """Count the rows that the store does not hold; features are not read."""
        return int((~self.store.features(self.fingerprint).contains(self.keys)).sum())

    def blocks(self) -> Iterator[Matrix]:
        """Yield the rows in order, at most `BLOCK_ROWS` at a time.

        Raises
        ------
        ModelFormatError
            The store no longer holds some of them.
        """
        for found, block in read_blocks(self.store, self.fingerprint, self.keys):
            if not found.all():
                raise ModelFormatError(
                    f"{int((~found).sum())} of {len(found)} features are no longer in {self.store.root}: extract them "
                    "again."
                )
            yield block

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Return all rows as a matrix (n, D), which takes n x D x 4 bytes."""
        matrix = np.empty(self.shape, np.float32)
        fill(matrix, self.blocks())
        return matrix if dtype is None else matrix.astype(dtype, copy=False)


FeatureRows = Matrix | StoredFeatures
"""Features (n, D), as a matrix or in the store."""


def read_blocks(
    store: FeatureStore, fingerprint: str, keys: Sequence[str]
) -> Iterator[tuple[NDArray[np.bool_], Matrix]]:
    """Yield which of `BLOCK_ROWS` keys the store holds, and their features; see `FeatureStore.read_features`."""
    for start in range(0, len(keys), BLOCK_ROWS):
        yield store.read_features(fingerprint, keys[start : start + BLOCK_ROWS])


def blocks_of(features: FeatureRows) -> Iterator[Matrix]:
    """Yield the rows of features in order, at most `BLOCK_ROWS` at a time."""
    if isinstance(features, StoredFeatures):
        yield from features.blocks()
    else:
        for start in range(0, len(features), BLOCK_ROWS):
            yield features[start : start + BLOCK_ROWS]


def fill(matrix: Matrix, blocks: Iterator[Matrix]) -> None:
    """Write blocks of rows into a matrix, one after another."""
    start = 0
    for block in blocks:
        matrix[start : start + len(block)] = block
        start += len(block)
