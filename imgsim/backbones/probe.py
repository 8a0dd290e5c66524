"""Probe of a network: its features of fixed pictures, as a short digest that rounding noise does not change."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

PICTURES = 3
_POINTS = 9  # per side; white noise hardly activates a network for photographs
_NUMBERS = 16
_STEPS = 32


def probe_pictures(height: int, width: int) -> NDArray[np.uint8]:
    """Return smooth colourful pictures (3, height, width, 3), the same on every machine: integers only."""
    count = PICTURES * _POINTS * _POINTS * 3
    drawn = np.frombuffer(hashlib.shake_256(b"imgsim probe").digest(count), np.uint8)
    coarse = drawn.astype(np.int64).reshape(PICTURES, _POINTS, _POINTS, 3)
    pictures: NDArray[np.uint8] = (_stretch(_stretch(coarse, 1, height), 2, width) >> 16).astype(np.uint8)
    return pictures


def _stretch(values: NDArray[np.int64], axis: int, size: int) -> NDArray[np.int64]:
    """Interpolate linearly to ``size`` points, times 256."""
    place = np.arange(size) * (256 * (_POINTS - 1)) // max(size - 1, 1)
    left = np.minimum(place >> 8, _POINTS - 2)
    weight = (place - (left << 8)).reshape([-1 if i == axis else 1 for i in range(values.ndim)])
    stretched: NDArray[np.int64] = values.take(left, axis) * (256 - weight) + values.take(left + 1, axis) * weight
    return stretched


def sketch(features: NDArray[np.float32]) -> str:
    """Return a digest of features (n, dim): equal for equal networks on different machines, else almost never.

    16 random projections are rounded to 1/32 of the features' length or less. Thus a change of 1 % is seen, and noise
    of 1e-6, as of another processor, library version or number of threads, changes the digest in one of 1,000 cases.
    """
    flat = np.asarray(features, np.float64).reshape(-1)
    known = np.isfinite(flat)
    flat = np.where(known, flat, 0)
    length = float(np.linalg.norm(flat))
    bits = np.frombuffer(hashlib.shake_256(b"imgsim sketch").digest(_NUMBERS * len(flat) // 8), np.uint8)
    signs = 1.0 - 2.0 * np.unpackbits(bits).reshape(_NUMBERS, -1)
    scale = 2.0 ** np.floor(np.log2(length)) if length else 1.0
    rounded = np.rint(signs @ flat / scale * _STEPS).astype(int).tolist()
    return hashlib.sha256(f"{features.shape} {int(known.sum())} {scale} {rounded}".encode()).hexdigest()
