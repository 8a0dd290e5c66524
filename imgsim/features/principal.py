"""Principal directions of features after signed square root and L2 normalisation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imgsim.features.stored import FeatureRows, blocks_of

Matrix = NDArray[np.float32]
Values = NDArray[np.float64]
_BLOCK = 512
_EXACT_UP_TO = 512
_SMALLEST = 1e-7  # of the largest eigenvalue: what is below is rounding of 32 bits
_TINY = 1e-12


@dataclass(frozen=True)
class Principal:
    """Principal directions of n normalised rows of length D, those of the largest variance first.

    Parameters
    ----------
    mean : (D,) float64
    values : (k,) float64
        Variances along the directions.
    vectors : (D, k) float64
        The directions, of length 1.
    scores : (n, k) float32
        Coordinates of the rows along them, from the mean.
    """

    mean: Values
    values: Values
    vectors: Values
    scores: Matrix


def principal_directions(features: FeatureRows, dims: int) -> Principal:
    """Compute the leading ``dims`` principal directions, or fewer where the rows span fewer.

    Where both the rows and their length are above 512, the directions are those of one step of subspace iteration
    (Halko, Martinsson and Tropp 2011): variances of the first half of them are exact to a few per cent, the others mix
    with those beside them. That takes two passes over the rows, a quarter of what their covariance takes, and never
    holds all of them.
    """
    n, d = features.shape
    if n < d and n <= _EXACT_UP_TO:
        return _of_few_rows(np.asarray(features), dims)
    mean, basis = _start(features, dims)
    scores, start = np.empty((n, basis.shape[1]), np.float32), 0
    for block in _normalized_blocks(features):
        rows = block - mean.astype(np.float32)
        np.matmul(rows, basis.astype(np.float32), out=scores[start : start + len(rows)])
        start += len(rows)
    values, turned = _leading((scores.T @ scores).astype(np.float64) / n, dims)
    return _signed(mean, values, basis @ turned, scores @ turned.astype(np.float32))


def _of_few_rows(features: Matrix, dims: int) -> Principal:
    """Decompose the Gram matrix of the rows: it is the smaller one, and has the same spectrum."""
    rows = normalized(features)
    mean = rows.mean(axis=0, dtype=np.float64)
    rows -= mean.astype(np.float32)
    values, left = _leading(rows @ rows.T / np.float64(len(rows)), dims)
    vectors = rows.T @ left
    vectors /= np.linalg.norm(vectors, axis=0)
    return _signed(mean, values, vectors, rows @ vectors.astype(np.float32))


def _start(features: FeatureRows, dims: int) -> tuple[Values, Values]:
    """Compute the mean (D,) and an orthonormal basis (D, m) of directions that hold the leading ones.

    Products are of 32 bits, so that they are quick; the shift by a nearby mean keeps them exact enough.
    """
    n, d = features.shape
    exact = d <= _EXACT_UP_TO
    width = min(d, dims + max(dims // 4, 32))
    drawn = np.random.default_rng(0).standard_normal((d, width), np.float32)
    shift = np.zeros(d, np.float32)
    total, products = np.zeros(d), np.zeros((d, width), np.float32)
    for number, block in enumerate(_normalized_blocks(features)):
        shift = shift if number else block.mean(axis=0)
        rows = block - shift
        total += rows.sum(axis=0, dtype=np.float64)
        if not exact:
            products += rows.T @ (rows @ drawn)
    offset = total / n
    basis = np.eye(d) if exact else _orthonormal(products - n * np.outer(offset, offset @ drawn))
    return shift + offset, basis


def _normalized_blocks(features: FeatureRows) -> Iterator[Matrix]:
    for block in blocks_of(features):
        for start in range(0, len(block), _BLOCK):
            yield normalized(block[start : start + _BLOCK])


def _orthonormal(columns: Values) -> Values:
    """Return an orthonormal basis of the columns, by Cholesky's decomposition where they are independent enough."""
    basis = columns
    try:
        for _ in range(2):  # the second time removes the rounding of the first
            basis = basis @ np.linalg.inv(np.linalg.cholesky(basis.T @ basis)).T
    except np.linalg.LinAlgError:
        return np.asarray(np.linalg.qr(columns)[0])
    return np.asarray(basis)


def _leading(gram: Values, dims: int) -> tuple[Values, Values]:
    """Compute the largest eigenvalues (k,) and eigenvectors (m, k) of a positive semi-definite matrix (m, m)."""
    values, vectors = np.linalg.eigh(gram)
    order = np.argsort(values)[::-1][:dims]
    keep = order[values[order] > max(values.max(), _TINY) * _SMALLEST]
    return values[keep], vectors[:, keep]


def _signed(mean: Values, values: Values, vectors: Values, scores: Matrix) -> Principal:
    """Turn each direction so that its largest component is positive; ``scores`` are changed in place."""
    signs = np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(vectors.shape[1])])
    scores *= signs.astype(np.float32)
    return Principal(mean, values, vectors * signs, scores)


def normalized(x: Matrix) -> Matrix:
    """Return the signed square roots of (n, D) features, each row scaled to length 1."""
    roots = np.abs(x)
    np.sqrt(roots, out=roots)
    return unit(np.copysign(roots, x, out=roots))


def unit(x: Matrix) -> Matrix:
    """Scale the rows of (n, d) to length 1; rows of zeros stay."""
    norms = np.sqrt(np.einsum("nd,nd->n", x, x, dtype=np.float64))[:, None]
    scaled: Matrix = np.divide(x, np.maximum(norms, _TINY), out=np.empty(x.shape, np.float32))  # with 64 bits
    return scaled
