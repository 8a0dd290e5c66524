"""Descriptor of a picture (a small copy of it), and the difference of two pictures up to contrast and brightness.

The descriptor is 32 x 32 luma and 16 x 16 of each chroma, 8 bits: 1,536 bytes. Two pictures are compared by fitting
one to the other, ``y = clip(gain * x + offset, 0, 255)``. Three residuals of the fit count: of the whole picture
relative to its contrast, of the worst of 8 x 8 cells in luma, and of the worst cell in chroma. The worst cell
distinguishes two frames of a burst, or two colours of one product, from two files of one picture.

`LIMITS` were chosen on 300 Caltech-101 pictures in 9 changed copies each among the whole collection, and confirmed on
300 others (``python -m tests.benchmarks --only duplicates``).
"""

from __future__ import annotations

from functools import cache
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Descriptors = NDArray[np.uint8]
Floats = NDArray[np.float32]

LUMA, CHROMA, CELLS = 32, 16, 8
BYTES = LUMA * LUMA + 2 * CHROMA * CHROMA
LIMITS = {"noise": 0.015, "luma": 11.0, "chroma": 7.0}
"""Largest residuals within one picture: power as a share of the contrast, and grey levels in the worst cell."""
BLANK = 4.0
"""Standard deviation of luma around a smooth gradient, in grey levels, below which a picture is blank."""
GRAIN = 1.5
"""Residual (root mean square, in grey levels) that scaling and encoding cause in any picture."""
TURNS = ("upright", "mirrored", "flipped", "rotated 180", "transposed", "rotated 90", "rotated 270", "transversed")
"""The eight orientations of a picture: bit 0 mirrors columns, bit 1 flips rows, bit 2 swaps rows and columns first."""
_STEP = 1024
_BLACK, _WHITE = 3, 252  # beyond these a pixel may have been clipped


def small_picture(picture: Image.Image) -> NDArray[np.uint8]:
    """Reduce an RGB picture to (32, 32, 3) YCbCr, whatever its aspect.

    The filter is so wide that shifts by a few pixels do not matter.
    """
    small = picture.resize((LUMA, LUMA), Image.Resampling.BILINEAR)
    return np.asarray(small.convert("YCbCr"))


def pack(pictures: NDArray[np.uint8]) -> Descriptors:
    """Pack pictures of `small_picture`, (n, 32, 32, 3), into descriptors (n, 1536)."""
    n = len(pictures)
    chroma = pictures[..., 1:].reshape(n, CHROMA, 2, CHROMA, 2, 2).astype(np.float32).mean((2, 4))
    planes = np.rint(chroma).astype(np.uint8).transpose(0, 3, 1, 2)
    return np.concatenate([pictures[..., 0].reshape(n, -1), planes.reshape(n, -1)], axis=1)


def luma(descriptors: Descriptors) -> NDArray[np.uint8]:
    """Return the luma of descriptors, (n, 32, 32)."""
    return descriptors[:, : LUMA * LUMA].reshape(-1, LUMA, LUMA)


def chroma(descriptors: Descriptors) -> NDArray[np.uint8]:
    """Return Cb and Cr of descriptors, (n, 2, 16, 16); 128 is grey."""
    return descriptors[:, LUMA * LUMA :].reshape(-1, 2, CHROMA, CHROMA)


def outlines(descriptors: Descriptors) -> Floats:
    """Reduce luma to (n, 8, 8) of mean 0 and length 1, for a first, cheap comparison.

    A picture of one grey is all 0.
    """
    step = LUMA // CELLS
    cells = luma(descriptors).reshape(-1, CELLS, step, CELLS, step).mean((2, 4), dtype=np.float32)
    cells -= cells.mean((1, 2), keepdims=True)
    length = np.sqrt((cells**2).sum((1, 2), keepdims=True))
    return np.asarray(cells / np.maximum(length, 1e-6), np.float32)


def is_blank(descriptors: Descriptors) -> NDArray[np.bool_]:
    """Return whether a picture is (almost) one grey or a smooth gradient, (n,) bool."""
    blank = np.empty(len(descriptors), bool)
    for start in range(0, len(blank), _STEP):
        blank[start : start + _STEP] = _is_blank(descriptors[start : start + _STEP])
    return blank


def _is_blank(descriptors: Descriptors) -> NDArray[np.bool_]:
    values = descriptors[:, : LUMA * LUMA].astype(np.float32)
    total = np.einsum("ni,ni->n", values, values)
    smooth = values @ _smooth_shades()
    return np.asarray(total - (smooth**2).sum(axis=1) < BLANK**2 * LUMA * LUMA)


@cache
def _smooth_shades() -> Floats:
    """Return orthonormal polynomials of degree 2 over the picture, (1024, 6)."""
    y, x = np.mgrid[-1 : 1 : LUMA * 1j, -1 : 1 : LUMA * 1j]
    basis, _ = np.linalg.qr(np.stack([np.ones_like(x), x, y, x * y, x**2, y**2], axis=-1).reshape(-1, 6))
    return np.asarray(basis, np.float32)


def turn_planes(planes: NDArray[np.generic], turn: int) -> NDArray[np.generic]:
    """Turn (..., s, s) pictures; ``turn`` is a position in `TURNS`."""
    if turn & 4:
        planes = planes.swapaxes(-1, -2)
    if turn & 2:
        planes = planes[..., ::-1, :]
    return planes[..., ::-1] if turn & 1 else planes


def turned(descriptors: Descriptors, turn: int) -> Descriptors:
    """Return the descriptors of the turned pictures; ``turn`` is a position in `TURNS`."""
    if turn == 0 or len(descriptors) == 0:
        return descriptors
    n = len(descriptors)
    parts = [turn_planes(luma(descriptors), turn), turn_planes(chroma(descriptors), turn)]
    return np.concatenate([np.asarray(part, np.uint8).reshape(n, -1) for part in parts], axis=1)


def differences(first: Descriptors, second: Descriptors) -> Floats:
    """Measure the difference of pictures, pair by pair; two with at most 1 are the same picture.

    Parameters
    ----------
    first, second : (m, 1536) uint8

    Returns
    -------
    (m,) float32
        The largest of the three residuals, each divided by its entry of `LIMITS`. Symmetric.
    """
    if len(first) == 0:
        return np.empty(0, np.float32)
    starts = range(0, len(first), _STEP)
    return np.concatenate([_differences(first[i : i + _STEP], second[i : i + _STEP]) for i in starts])


def _differences(first: Descriptors, second: Descriptors) -> Floats:
    n = len(first)
    x, y = (part[:, : LUMA * LUMA].astype(np.float32) for part in (first, second))
    p, q = (part[:, LUMA * LUMA :].astype(np.float32) - 128 for part in (first, second))
    gain, offset, swap = _light(x, y)
    x, y, p, q = *(np.where(swap, y, x), np.where(swap, x, y)), *(np.where(swap, q, p), np.where(swap, p, q))
    left = y - np.clip(gain * x + offset, 0, 255)
    contrast = np.maximum(y.var(axis=1), BLANK**2)
    worst = np.abs(left.reshape(n, CELLS, LUMA // CELLS, CELLS, -1).mean((2, 4))).reshape(n, -1).max(1)
    color = (q - gain * p).reshape(n, 2, CELLS, CHROMA // CELLS, CELLS, -1).mean((3, 5))
    noise = np.maximum((left**2).mean(axis=1) - GRAIN**2, 0) / (2 * contrast)
    shares = (noise, worst, np.abs(color).reshape(n, -1).max(1))
    return np.asarray(np.max([s / limit for s, limit in zip(shares, LIMITS.values(), strict=True)], axis=0), np.float32)


def fit_light(first: Floats, second: Floats) -> tuple[Floats, Floats]:
    """Fit the luma of pictures of lower contrast to that of higher contrast, by gain and offset, pair by pair.

    Parameters
    ----------
    first, second : (m, p) float32

    Returns
    -------
    (m, p) float32, (m, p) float32
        The fitted ones, clipped to 0 to 255, and the others.
    """
    gain, offset, swap = _light(first, second)
    low, high = np.where(swap, second, first), np.where(swap, first, second)
    return np.clip(gain * low + offset, 0, 255), high


def _light(x: Floats, y: Floats) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Return gain and offset that fit the lower contrast to the higher, and where that is the second; (m, 1) each.

    The other way hides differences.
    """
    count, means, deviations = _unclipped_moments(x, y)
    swap = deviations[0] > deviations[1]
    low, high = (np.where(swap, pair[::-1], pair) for pair in (np.stack(means), np.stack(deviations)))
    known = (count >= x.shape[1] / 16) & (high[0] > BLANK)
    gain = np.where(known, high[1] / np.maximum(high[0], 1e-3), 1)[:, None].astype(np.float32)
    offset = np.where(known[:, None], low[1][:, None] - gain * low[0][:, None], 0).astype(np.float32)
    return gain, offset, swap[:, None]


def _unclipped_moments(x: Floats, y: Floats) -> tuple[Floats, tuple[Floats, Floats], tuple[Floats, Floats]]:
    """Return count, both means and both standard deviations, (m,) each, of pixels that neither picture clips."""
    inside = ((x > _BLACK) & (x < _WHITE) & (y > _BLACK) & (y < _WHITE)).astype(np.float32)
    count = inside.sum(axis=1)
    weights = inside / np.maximum(count, 1)[:, None]
    moments = list(chain.from_iterable(_moments(values, weights) for values in (x, y)))
    return count, (moments[0], moments[2]), (moments[1], moments[3])


def _moments(values: Floats, weights: Floats) -> tuple[Floats, Floats]:
    mean = np.einsum("mi,mi->m", values, weights)
    square = np.einsum("mi,mi,mi->m", values, values, weights)
    return mean, np.sqrt(np.maximum(square - mean**2, 0))
