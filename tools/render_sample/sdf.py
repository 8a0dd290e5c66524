"""Signed distance functions: closures from points (3, n) to distances (n,), both float32.

Every function returns a lower bound of the true distance outside the solid, so a ray may always step by it.
Bodies of revolution stand along y.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
"""Always float32 in practice; typed loosely because NumPy's stubs widen."""
Sdf = Callable[[Array], Array]
Profile = Callable[[Array, Array], Array]


def ball(radius: float, at: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Sdf:
    """Make a sphere of ``radius`` around ``at``."""
    x, y, z = at
    return lambda p: np.sqrt((p[0] - x) ** 2 + (p[1] - y) ** 2 + (p[2] - z) ** 2) - radius


def ellipsoid(a: float, b: float, c: float, at: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Sdf:
    """Make an ellipsoid with half axes a, b, c around ``at``."""
    x, y, z = at
    shortest = min(a, b, c)

    def distance(p: Array) -> Array:
        scaled: Array = np.sqrt(((p[0] - x) / a) ** 2 + ((p[1] - y) / b) ** 2 + ((p[2] - z) / c) ** 2)
        return (scaled - 1.0) * shortest

    return distance


def box(a: float, b: float, c: float, rounding: float = 0.0, at: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Sdf:
    """Make a box with half sizes a, b, c (rounding included) around ``at``."""
    x, y, z = at

    def distance(p: Array) -> Array:
        qx = np.abs(p[0] - x) - (a - rounding)
        qy = np.abs(p[1] - y) - (b - rounding)
        qz = np.abs(p[2] - z) - (c - rounding)
        outside = np.maximum(qx, 0) ** 2 + np.maximum(qy, 0) ** 2 + np.maximum(qz, 0) ** 2
        inside = np.minimum(np.maximum(np.maximum(qx, qy), qz), 0)
        gap: Array = np.sqrt(outside) + inside - rounding
        return gap

    return distance


def frustum(low: float, high: float, y0: float, y1: float, rounding: float = 0.0) -> Profile:
    """Make the section of a cylinder, cone or frustum: radius ``low`` at height y0, ``high`` at y1."""
    slope = (high - low) / (y1 - y0)
    tilt = 1.0 / (1.0 + slope * slope) ** 0.5
    middle, half = (y0 + y1) / 2, (y1 - y0) / 2

    def distance(q: Array, y: Array) -> Array:
        side = (q - (low + slope * (y - y0))) * tilt + rounding
        cap = np.abs(y - middle) - (half - rounding)
        bound: Array = np.maximum(side, cap)
        if not rounding:
            return bound
        outside: Array = np.sqrt(np.maximum(side, 0) ** 2 + np.maximum(cap, 0) ** 2)
        return (outside + np.minimum(bound, 0) - rounding) * 0.92

    return distance


def spun(*profiles: Profile, seam: float = 0.0) -> Sdf:
    """Rotate sections about the y axis and join them, with seams smoothed over ``seam``."""

    def distance(p: Array) -> Array:
        q = np.sqrt(p[0] ** 2 + p[2] ** 2)
        nearest = profiles[0](q, p[1])
        for profile in profiles[1:]:
            nearest = _join(nearest, profile(q, p[1]), seam)
        return nearest

    return distance


def taper(low: float, high: float, y0: float, y1: float, rounding: float = 0.0) -> Sdf:
    """Make a cylinder, cone or frustum along y."""
    return spun(frustum(low, high, y0, y1, rounding))


def _join(nearest: Array, other: Array, seam: float) -> Array:
    joined = np.minimum(nearest, other)
    if seam:
        overlap = np.maximum(seam - np.abs(nearest - other), 0)
        joined -= overlap * overlap * (0.25 / seam)
    return joined


def torus(ring: float, tube: float, at: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Sdf:
    """Make a torus lying flat: ``ring`` is the radius of its core circle, ``tube`` that of its section."""
    x, y, z = at

    def distance(p: Array) -> Array:
        radial = np.sqrt((p[0] - x) ** 2 + (p[2] - z) ** 2) - ring
        gap: Array = np.sqrt(radial**2 + (p[1] - y) ** 2) - tube
        return gap

    return distance


def upright_torus(ring: float, tube: float, at: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Sdf:
    """Make a torus standing in the x-y plane."""
    flat = torus(ring, tube, (at[0], at[2], at[1]))
    return lambda p: flat(p[[0, 2, 1]])


def rod(start: tuple[float, float, float], end: tuple[float, float, float], radius: float) -> Sdf:
    """Make a capsule between two points."""
    a = np.array(start, np.float32)[:, None]
    axis = np.array(end, np.float32)[:, None] - a
    length = float((axis**2).sum())

    def distance(p: Array) -> Array:
        w = p - a
        along = np.clip((w * axis).sum(0) / length, 0, 1)
        gap: Array = np.sqrt(((w - axis * along) ** 2).sum(0)) - radius
        return gap

    return distance


def planes(normals: list[tuple[float, float, float]], offsets: list[float], rounding: float = 0.0) -> Sdf:
    """Make a convex solid: the points below every plane (normals are made unit length)."""
    directions = np.array(normals, np.float32)
    directions /= np.sqrt((directions**2).sum(1, keepdims=True))

    def distance(p: Array) -> Array:
        bound: Array = np.full(p.shape[1], -np.inf, np.float32)
        for (nx, ny, nz), offset in zip(directions.tolist(), offsets, strict=True):
            bound = np.maximum(bound, nx * p[0] + ny * p[1] + nz * p[2] - offset)
        return bound - rounding

    return distance


def union(*solids: Sdf, seam: float = 0.0) -> Sdf:
    """Unite solids, with seams smoothed over ``seam``."""

    def distance(p: Array) -> Array:
        nearest = solids[0](p)
        for solid in solids[1:]:
            nearest = _join(nearest, solid(p), seam)
        return nearest

    return distance


def carve(solid: Sdf, hollow: Sdf) -> Sdf:
    """Subtract ``hollow`` from ``solid``."""
    return lambda p: np.maximum(solid(p), -hollow(p))


def moved(solid: Sdf, by: tuple[float, float, float]) -> Sdf:
    """Shift ``solid``."""
    shift = np.array(by, np.float32)[:, None]
    return lambda p: solid(p - shift)


def around(solid: Sdf, copies: int, phase: float = 0.0) -> Sdf:
    """Repeat ``solid``, which lies on the x axis, ``copies`` times around y."""
    sector = 2 * np.pi / copies

    def distance(p: Array) -> Array:
        angle = np.arctan2(p[2], p[0]) - phase
        angle -= sector * np.round(angle / sector)
        radius = np.sqrt(p[0] ** 2 + p[2] ** 2)
        return solid(np.stack([radius * np.cos(angle), p[1], radius * np.sin(angle)]))

    return distance
