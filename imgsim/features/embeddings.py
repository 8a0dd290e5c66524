"""Embeddings: features projected by signed square root, L2 normalisation, PCA, half whitening, L2 normalisation.

This needs no labels and was best or tied on every network measured (Caltech-101, MobileNetV2:
precision@10 .864 against .836 for raw euclidean distance) at a tenth of the size. Signed square
root and L2 follow the intra-normalisation of image retrieval (Perronnin et al. 2010; Arandjelovic
and Zisserman 2013), whitening follows Jegou and Chum 2012.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imgsim.arguments import DEFAULT_DIMENSIONS
from imgsim.errors import ArgumentError, ArgumentTypeError, ModelFormatError
from imgsim.io.atomic import atomic_path
from imgsim.io.vectors import read_embeddings, write_embeddings

Matrix = NDArray[np.float32]
FIT_ROWS = 3000
"""Rows of the sample that the projection is fitted on."""
ROWS_PER_DIMENSION = 16
FEWEST_DIMENSIONS = 8
_BLOCK = 16
_TINY = 1e-12


@dataclass(frozen=True)
class Projection:
    """Fitted projection from raw features of length ``features`` to embeddings of length ``dims``.

    ``mean`` is (features,), ``components`` is (features, dims): principal directions, each divided by
    the square root of its standard deviation (half whitening). Embeddings have unit length.
    """

    mean: Matrix
    components: Matrix

    @property
    def features(self) -> int:
        """Length of the raw feature."""
        return int(self.components.shape[0])

    @property
    def dims(self) -> int:
        """Length of the embedding."""
        return int(self.components.shape[1])

    def transform(self, matrix: Matrix) -> Matrix:
        """Project (n, features) float32 to (n, dims) float32 of unit length.

        A row's result depends on that row alone, bit for bit: blocks have a fixed shape and sums a fixed order,
        whatever the number of rows and of BLAS threads.

        Raises
        ------
        ArgumentError
            Another shape.
        """
        if matrix.ndim != 2 or matrix.shape[1] != self.features:
            raise ArgumentError(f"features must have shape (n, {self.features}), not {matrix.shape}.")
        out = np.empty((len(matrix), self.dims), np.float32)
        block = np.zeros((_BLOCK, self.features), np.float32)
        for start in range(0, len(matrix), _BLOCK):
            rows = matrix[start : start + _BLOCK]
            block[: len(rows)] = _unit(_signed_sqrt(rows)) - self.mean
            projected = np.einsum("nd,dk->nk", block, self.components)
            out[start : start + len(rows)] = projected[: len(rows)]
        return _unit(out)

    def save(self, path: Path) -> None:
        """Write as safetensors."""
        from safetensors.numpy import save_file

        with atomic_path(path) as temporary:
            save_file({"mean": self.mean, "components": self.components}, temporary)

    @classmethod
    def load(cls, path: Path) -> Projection:
        """Read what `save` wrote.

        Raises
        ------
        ModelFormatError
            The file is missing, damaged or no projection.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            tensors = load_file(path)
            mean, components = tensors["mean"], tensors["components"]
        except (OSError, KeyError, TypeError, ValueError, SafetensorError) as error:
            raise ModelFormatError(f"the projection {path} cannot be read: {error}") from error
        whole = components.ndim == 2 and mean.shape == components.shape[:1] and 0 not in components.shape
        if not whole or {mean.dtype, components.dtype} != {np.dtype(np.float32)} or not np.isfinite(components).all():
            raise ModelFormatError(f"the projection {path} holds tensors that are no projection; export it again.")
        return cls(mean, components)


@dataclass(frozen=True)
class Embeddings:
    """(n, d) float32 vectors in row order, and the projection that made them (None: raw features)."""

    matrix: Matrix
    projection: Projection | None

    @property
    def digest(self) -> str:
        """Hexadecimal sha256 of the vectors and the projection."""
        content = hashlib.sha256(self.matrix.tobytes())
        if self.projection is not None:
            content.update(self.projection.mean.tobytes())
            content.update(self.projection.components.tobytes())
        return content.hexdigest()

    def save(self, folder: Path) -> None:
        """Write ``embeddings.arrow`` and, when projected, ``projection.safetensors`` into ``folder``."""
        folder.mkdir(parents=True, exist_ok=True)
        write_embeddings(self.matrix, folder / "embeddings.arrow")
        if self.projection is not None:
            self.projection.save(folder / "projection.safetensors")

    @classmethod
    def load(cls, folder: Path) -> Embeddings:
        """Read what `save` wrote; the vectors are memory-mapped and read-only."""
        projection = folder / "projection.safetensors"
        return cls(
            read_embeddings(folder / "embeddings.arrow"), Projection.load(projection) if projection.exists() else None
        )


def embed(features: Matrix, dims: int | None = DEFAULT_DIMENSIONS, seed: int = 0) -> Embeddings:
    """Fit a projection on (n, D) features and apply it; with ``dims=None`` embeddings are the raw features.

    Small collections keep fewer than ``dims`` dimensions, one per 16 images but at least 8: more are
    noise that whitening would amplify (300 images of 20 classes of Caltech-101 by MobileNetV2:
    precision@10 .899 with these 18 dimensions, .764 with 128).

    Raises
    ------
    ArgumentError, ArgumentTypeError
        Features that are not finite, or ``dims`` outside its domain.
    """
    matrix = np.ascontiguousarray(features, np.float32)
    if not np.isfinite(matrix).all():
        bad = int(np.flatnonzero(~np.isfinite(matrix).all(axis=1))[0])
        raise ArgumentError(f"features must be finite; row {bad} holds NaN or infinity.")
    if dims is None:
        return Embeddings(matrix, None)
    projection = fit_projection(matrix, dims, seed)
    return Embeddings(projection.transform(matrix), projection)


def fit_projection(features: Matrix, dims: int = DEFAULT_DIMENSIONS, seed: int = 0) -> Projection:
    """Fit a projection on (n, D) features; above 3,000 rows on a seeded sample of 3,000, which is as good.

    At most ``dims`` dimensions, and no more than n / 16 (or 8) of them; see `embed`.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        No rows, or ``dims`` below 1 or no whole number.
    """
    if isinstance(dims, bool) or not isinstance(dims, (int, np.integer)):
        raise ArgumentTypeError(f"projection must be a whole number of dimensions or None, not {dims!r}.")
    if dims < 1:
        raise ArgumentError(f"projection must keep at least 1 dimension, not {dims}.")
    if len(features) == 0:
        raise ArgumentError("a projection cannot be fitted on no images.")
    rows = features
    if len(features) > FIT_ROWS:
        rows = features[np.sort(np.random.default_rng(seed).choice(len(features), FIT_ROWS, replace=False))]
    unit = _unit(_signed_sqrt(rows)).astype(np.float64)
    mean = unit.mean(axis=0)
    values, vectors = _principal(unit - mean, min(dims, max(FEWEST_DIMENSIONS, len(features) // ROWS_PER_DIMENSION)))
    if len(values) < 2:  # too few distinct images for principal directions: keep the normalised feature
        d = features.shape[1]
        return Projection(np.zeros(d, np.float32), np.eye(d, dtype=np.float32))
    scaled = vectors / values**0.25  # sd ** 0.5
    return Projection(mean.astype(np.float32), np.ascontiguousarray(scaled, np.float32))


def _principal(centred: NDArray[np.float64], dims: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute the largest eigenvalues (k,) and eigenvectors (D, k) of the covariance, with fixed signs."""
    n, d = centred.shape
    if n < d:  # the smaller of the two Gram matrices has the same spectrum
        values, left = np.linalg.eigh(centred @ centred.T / n)
    else:
        values, left = np.linalg.eigh(centred.T @ centred / n)
    order = np.argsort(values)[::-1][:dims]
    keep = order[values[order] > max(values.max(), _TINY) * 1e-9]
    values, vectors = values[keep], left[:, keep]
    if n < d:
        vectors = centred.T @ vectors
        vectors /= np.linalg.norm(vectors, axis=0)
    signs = np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(vectors.shape[1])])
    return values, vectors * signs


def _signed_sqrt(x: Matrix) -> Matrix:
    return np.copysign(np.sqrt(np.abs(x)), x)


def _unit(x: Matrix) -> Matrix:
    norms = np.sqrt(np.einsum("nd,nd->n", x, x, dtype=np.float64))[:, None]
    unit: Matrix = (x / np.maximum(norms, _TINY)).astype(np.float32)
    return unit
