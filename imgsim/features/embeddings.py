"""Embeddings: features projected by signed square root, L2, whitening by mutual neighbours, L2.

This needs no labels. Signed square root and L2 follow the intra-normalisation of image retrieval (Perronnin et al.
2010; Arandjelovic and Zisserman 2013), half whitening follows Jegou and Chum 2012.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imgsim.arguments import DEFAULT_DIMENSIONS, FEWEST_DIMENSIONS
from imgsim.errors import ArgumentError, ArgumentTypeError, ModelFormatError
from imgsim.features.blas import one_blas_thread
from imgsim.features.learnt import FACTS, Learning
from imgsim.features.principal import Matrix, normalized, principal_directions, unit
from imgsim.features.stored import FeatureRows, StoredFeatures, blocks_of, fill
from imgsim.features.whitening import mutual_pairs, whitened_directions
from imgsim.io.atomic import atomic_path
from imgsim.io.vectors import read_embeddings, write_embeddings

Rows = NDArray[np.int64]
FIT_ROWS = 50_000
"""Most rows that the principal directions are fitted on."""
PAIR_ROWS = 8192
"""Most rows among which pairs of neighbours are searched: their cost grows with the square."""
ROWS_PER_FULL_DIMENSION = 32
ROWS_FOR_PAIRS = 256
"""With fewer images there may be too few pairs to whiten by (`imgsim.features.whitening`)."""
ROWS_PER_DIMENSION = 7
FEWEST_ROWS = 128
"""Smaller collections keep as many dimensions as one of 128 images, 18."""
_BLOCK = 16
_SINGLE_THREADED = 1 << 18  # products: OpenBLAS computes as many with one thread always


@dataclass(frozen=True)
class Projection:
    """Fitted projection from raw features of length ``features`` to embeddings of length ``dims``.

    ``mean`` is (features,), ``components`` is (features, dims). Embeddings have unit length. ``wanted`` are the
    dimensions that were asked for, which few images cannot have, and ``rows`` the images when it was fitted; 0 if they
    are not known. ``whitened`` says that differences of mutual neighbours are divided out; else components are
    principal directions, each divided by the square root of its standard deviation (half whitening). ``summed_by`` is
    "blas", or "einsum" for a projection that imgsim 0.2.0 or an earlier version saved: the embeddings saved with it
    were summed so, and an image that is embedded again has to be at distance 0.
    """

    mean: Matrix
    components: Matrix
    wanted: int = 0
    rows: int = 0
    whitened: bool = False
    summed_by: str = "blas"

    @property
    def features(self) -> int:
        """Length of the raw feature."""
        return int(self.components.shape[0])

    @property
    def dims(self) -> int:
        """Length of the embedding."""
        return int(self.components.shape[1])

    def is_outgrown(self, n: int) -> bool:
        """Return whether ``n`` images, a quarter more than it was fitted for, give the later dimensions more weight.

        By quarters, images that are added one by one cost a few fits and not one each.
        """
        return self.rows < max(ROWS_PER_FULL_DIMENSION * self.wanted, ROWS_FOR_PAIRS) and 4 * n >= 5 * self.rows

    def transform(self, features: FeatureRows) -> Matrix:
        """Project (n, features) float32 to (n, dims) float32 of unit length.

        A row's result depends on that row alone, bit for bit: blocks have a fixed shape and sums a fixed order,
        whatever the number of rows and of BLAS threads.

        Raises
        ------
        ArgumentError
            Another shape.
        """
        if len(features.shape) != 2 or features.shape[1] != self.features:
            raise ArgumentError(f"features must have shape (n, {self.features}), not {features.shape}.")
        out = np.empty((len(features), self.dims), np.float32)
        fill(out, map(self._project, blocks_of(features)))
        return out

    def _project(self, matrix: Matrix) -> Matrix:
        out = np.empty((len(matrix), self.dims), np.float32)
        block = np.zeros((_BLOCK, self.features), np.float32)
        product = _PRODUCTS[self.summed_by]
        for start in range(0, len(matrix), _BLOCK):
            rows = matrix[start : start + _BLOCK]
            block[: len(rows)] = normalized(rows) - self.mean
            out[start : start + len(rows)] = product(block, self.components)[: len(rows)]
        return unit(out)

    def save(self, path: Path) -> None:
        """Write as safetensors."""
        from safetensors.numpy import save_file

        # one note: safetensors writes several in any order, and equal projections are equal files
        fit = {name: getattr(self, name) for name in ("wanted", "rows", "whitened", "summed_by")}
        with atomic_path(path) as temporary:
            save_file({"mean": self.mean, "components": self.components}, temporary, {"fit": json.dumps(fit)})

    @classmethod
    def load(cls, path: Path) -> Projection:
        """Read what `save` wrote.

        Raises
        ------
        ModelFormatError
            The file is missing, damaged or no projection.
        """
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, framework="numpy") as file:
                mean, components = file.get_tensor("mean"), file.get_tensor("components")
                notes = json.loads((file.metadata() or {}).get("fit", "{}"))
            wanted, rows = int(notes.get("wanted", 0)), int(notes.get("rows", 0))
            whitened, summed_by = bool(notes.get("whitened", False)), str(notes.get("summed_by", "einsum"))
        except (OSError, KeyError, TypeError, ValueError, AttributeError, SafetensorError) as error:
            raise ModelFormatError(f"the projection {path} cannot be read: {error}") from error
        whole = components.ndim == 2 and mean.shape == components.shape[:1] and 0 not in components.shape
        if not whole or {mean.dtype, components.dtype} != {np.dtype(np.float32)} or not np.isfinite(components).all():
            raise ModelFormatError(f"the projection {path} holds tensors that are no projection; export it again.")
        if summed_by not in _PRODUCTS:
            raise ModelFormatError(f"the projection {path} is summed by {summed_by!r}: update imgsim to read it.")
        return cls(mean, components, wanted, rows, whitened, summed_by)


def _einsum(block: Matrix, components: Matrix) -> Matrix:
    return np.asarray(np.einsum("nd,dk->nk", block, components))


def _product(block: Matrix, components: Matrix) -> Matrix:
    """Multiply (16, D) by (D, k), in parts so small that their sums have the same order for any number of threads."""
    step = max(1, _SINGLE_THREADED // (_BLOCK * components.shape[1]))
    total = np.zeros((components.shape[1], _BLOCK), np.float32)
    for start in range(0, len(components), step):
        total += components[start : start + step].T @ block[:, start : start + step].T
    return total.T


_PRODUCTS = {"blas": _product, "einsum": _einsum}


@dataclass(frozen=True)
class Embeddings:
    """(n, d) float32 vectors, the projection (None: raw features), and the vectors before `refine` or None.

    ``learning`` says how the projection was learnt from labels; None where it was not.
    """

    matrix: Matrix
    projection: Projection | None
    plain: Matrix | None = None
    learning: Learning | None = None

    @property
    def digest(self) -> str:
        """Hexadecimal sha256 of the vectors and the projection."""
        projection = () if self.projection is None else (self.projection.mean, self.projection.components)
        content = hashlib.sha256()
        for part in (self.matrix, *projection, *(() if self.plain is None else (self.plain,))):
            content.update(np.ascontiguousarray(part).data)
        return content.hexdigest()

    def save(self, folder: Path) -> None:
        """Write ``embeddings.arrow`` and, where there are, the other vectors, the projection and its record."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, vectors in (("embeddings", self.matrix), ("plain", self.plain)):
            if vectors is not None:
                write_embeddings(vectors, folder / f"{name}.arrow")
        if self.projection is not None:
            self.projection.save(folder / "projection.safetensors")
        if self.learning is not None:
            self.learning.save(folder)

    @classmethod
    def load(cls, folder: Path) -> Embeddings:
        """Read what `save` wrote; the vectors are memory-mapped and read-only."""
        fit, before = folder / "projection.safetensors", folder / "plain.arrow"
        projection = Projection.load(fit) if fit.exists() else None
        plain = read_embeddings(before) if before.exists() else None
        matrix = read_embeddings(folder / "embeddings.arrow")
        learning = Learning.load(folder, len(matrix)) if (folder / FACTS).exists() else None
        return cls(matrix, projection, plain, learning)


def embed(
    features: FeatureRows, dims: int | None = DEFAULT_DIMENSIONS, sha256: Sequence[str] | None = None
) -> Embeddings:
    """Fit a projection on (n, D) features and apply it; with ``dims=None`` embeddings are the raw features.

    Parameters
    ----------
    features : (n, D) float32, or StoredFeatures
        Stored ones are read block by block, and never held together unless they are the embeddings.
    dims : int or None
        Most dimensions of the embedding; see `fit_projection`.
    sha256 : sequence of str, optional
        Hexadecimal sha256 of each row's file, which decides the rows of the fit where there are more than 50,000;
        stored features know theirs.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        Features that are not finite, or ``dims`` outside its domain.
    """
    if dims is None:
        return Embeddings(_finite(features), None)
    rows = features if isinstance(features, StoredFeatures) else _finite(features)  # others are not stored
    projection = fit_projection(rows, dims, sha256)
    return Embeddings(projection.transform(rows), projection)


def _finite(features: FeatureRows) -> Matrix:
    matrix = np.ascontiguousarray(features, np.float32)
    if not np.isfinite(matrix).all():
        bad = int(np.flatnonzero(~np.isfinite(matrix).all(axis=1))[0])
        raise ArgumentError(f"features must be finite; row {bad} holds NaN or infinity.")
    return matrix


def fit_projection(
    features: FeatureRows, dims: int = DEFAULT_DIMENSIONS, sha256: Sequence[str] | None = None
) -> Projection:
    """Fit a projection on (n, D) features: on all rows, above 50,000 on those with the smallest sha256.

    So which rows are taken does not depend on their number, and one image more hardly moves the others. At most
    ``dims`` dimensions are kept. In small collections the later ones are noise that whitening would amplify: weights
    are 1 up to dimension n / 32 and fall to 0 at n / 7, for n < 128 as for 128. A whole number of dimensions that jumps
    with n would reorder neighbours.

    In the neighbours by those dimensions, pairs are found that are each among the other's nearest, and their
    differences are divided out (`imgsim.features.whitening`); with fewer than 1,500 pairs, about 200 images, they
    teach too little, and the projection stays as it is.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        No rows, or ``dims`` below 2 or no whole number.
    """
    if isinstance(dims, bool) or not isinstance(dims, (int, np.integer)):
        raise ArgumentTypeError(f"projection must be a whole number of dimensions or None, not {dims!r}.")
    if dims < FEWEST_DIMENSIONS:
        raise ArgumentError(f"projection must keep at least {FEWEST_DIMENSIONS} dimensions, not {dims}.")
    if len(features) == 0:
        raise ArgumentError("a projection cannot be fitted on no images.")
    with one_blas_thread():
        return _fit(features, min(int(dims), features.shape[1]), int(dims), sha256)


def _fit(features: FeatureRows, dims: int, wanted: int, sha256: Sequence[str] | None) -> Projection:
    n, d = features.shape
    order = _by_hash(features, sha256)
    rows = features if n <= FIT_ROWS else features[np.sort(order[:FIT_ROWS])]
    weights = _weights(n, dims)
    found = principal_directions(rows, max(len(weights), min(5 * dims // 2, len(rows) // 4)))
    values = found.values
    if len(values) < FEWEST_DIMENSIONS:  # too few distinct images for principal directions: keep the normalised feature
        return Projection(np.zeros(d, np.float32), np.eye(d, dtype=np.float32), wanted, n)
    weights = weights[: len(values)]
    half = weights / values[: len(weights)] ** 0.25  # sd ** 0.5
    scores = found.scores if n <= PAIR_ROWS else found.scores[_first_of(order, PAIR_ROWS, FIT_ROWS)]
    pairs = mutual_pairs(unit(scores[:, : len(half)] * half.astype(np.float32)))
    if pairs.shrinkage < 1:
        components = found.vectors @ whitened_directions(scores, values, pairs, dims)
    else:
        components = found.vectors[:, : len(half)] * half
    contiguous = np.ascontiguousarray(components, np.float32)
    return Projection(found.mean.astype(np.float32), contiguous, wanted, n, pairs.shrinkage < 1)


def _by_hash(features: FeatureRows, sha256: Sequence[str] | None) -> Rows:
    """Return all rows by sha256, of the features' bytes where a row has none; in their order if all can be searched."""
    if len(features) <= PAIR_ROWS:
        return np.arange(len(features))
    if isinstance(features, StoredFeatures):
        return np.argsort(np.array(features.keys, "S"), kind="stable")
    named = sha256 if sha256 is not None else [""] * len(features)
    keys = [name or hashlib.sha256(row.tobytes()).hexdigest() for name, row in zip(named, features, strict=True)]
    return np.argsort(np.array(keys, "S"), kind="stable")


def _first_of(order: Rows, count: int, fitted: int) -> Rows:
    """Return where the first ``count`` rows of an order are among its first ``fitted``, sorted."""
    return np.searchsorted(np.sort(order[:fitted]), np.sort(order[:count]))


def _weights(n: int, dims: int) -> NDArray[np.float64]:
    """Return the weights of the dimensions of n images, falling, all above 0; see `fit_projection`."""
    rows = max(n, FEWEST_ROWS)
    full, none = rows / ROWS_PER_FULL_DIMENSION, rows / ROWS_PER_DIMENSION
    weights: NDArray[np.float64] = np.minimum(1, (none - np.arange(dims) - 0.5) / (none - full))
    return weights[weights > 0]
