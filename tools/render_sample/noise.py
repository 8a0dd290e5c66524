"""Smooth random fields and colours."""

import colorsys

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tools.render_sample.sdf import Array

Random = np.random.Generator
Colour = tuple[float, float, float]


def between(rng: Random, low: float, high: float) -> float:
    """Draw a uniform number as a Python float (a NumPy scalar would widen float32 arrays)."""
    return float(rng.uniform(low, high))


def field(rng: Random, shape: tuple[int, ...], cells: float, octaves: int = 1) -> Array:
    """Draw smooth noise in about [0, 1], of ``shape`` (height, width), with ``cells`` bumps along the longer side."""
    height, width = shape
    total: Array = np.zeros((height, width), np.float32)
    weight = 0.5
    for octave in range(octaves):
        pitch = max(height, width) / (cells * 2**octave)
        rows, columns = max(2, round(height / pitch) + 1), max(2, round(width / pitch) + 1)
        lattice = Image.fromarray(rng.random((rows, columns), np.float32))
        total += weight * np.asarray(lattice.resize((width, height), Image.Resampling.BICUBIC))
        weight /= 2
    return total / np.float32(1 - 2.0**-octaves)


def blur(values: Array, radius: float) -> Array:
    """Blur a (height, width) field in [0, 1] by a Gaussian."""
    from PIL import ImageFilter

    levels: NDArray[np.uint8] = (np.clip(values, 0, 1) * 255).astype(np.uint8)
    soft = Image.fromarray(levels).filter(ImageFilter.GaussianBlur(radius))
    return np.asarray(soft, np.float32) / np.float32(255)


def hashed(*cells: Array) -> Array:
    """Return a repeatable number in [0, 1) per cell; cells are whole numbers."""
    mixed = np.zeros(np.broadcast_shapes(*(cell.shape for cell in cells)), np.uint32)
    for cell, prime in zip(cells, (374761393, 668265263, 2246822519), strict=False):
        mixed = mixed + cell.astype(np.int64).astype(np.uint32) * np.uint32(prime)
    mixed = (mixed ^ (mixed >> np.uint32(13))) * np.uint32(1274126177)
    mixed = mixed ^ (mixed >> np.uint32(16))
    return (mixed & np.uint32(0xFFFFFF)).astype(np.float32) / np.float32(0x1000000)


def colour(
    rng: Random, saturation: tuple[float, float] = (0.35, 0.95), value: tuple[float, float] = (0.3, 0.95)
) -> Colour:
    """Draw a random colour, linear RGB in [0, 1]."""
    rgb = colorsys.hsv_to_rgb(float(rng.random()), between(rng, *saturation), between(rng, *value))
    return linear(rgb)


def earthy(rng: Random, share: float) -> Colour:
    """Draw a colour of clay or timber (red to yellow) with probability ``share``, else any colour."""
    if rng.random() >= share:
        return colour(rng, (0.25, 0.8), (0.45, 0.9))
    return linear(colorsys.hsv_to_rgb(between(rng, 0.01, 0.11), between(rng, 0.4, 0.8), between(rng, 0.5, 0.9)))


def linear(rgb: Colour) -> Colour:
    """Convert display RGB to linear RGB."""
    red, green, blue = rgb
    return red**2.2, green**2.2, blue**2.2


def column(rgb: Colour) -> Array:
    """Return a colour as (3, 1), to broadcast over points."""
    return np.array(rgb, np.float32)[:, None]
