"""Ray marching through signed distance functions: hits, normals, ambient occlusion and shadows."""

import numpy as np
from numpy.typing import NDArray

from tools.render_sample.part import Part
from tools.render_sample.sdf import Array, Sdf

_HIT = 0.003


def march(sdf: Sdf, origin: Array, rays: Array, start: Array, stop: Array) -> tuple[NDArray[np.int64], Array]:
    """Step rays (3, n) from ``origin`` until they are within `_HIT` of the solid.

    Returns
    -------
    tuple of arrays
        Indices of the rays that hit before ``stop``, and the distances at which they do.
    """
    ids = np.arange(rays.shape[1])
    at, origin = start, origin[:, None]
    hits: list[NDArray[np.int64]] = []
    depths: list[Array] = []
    for _ in range(16):
        for _ in range(3):  # a finished ray may take a few idle steps, which is cheaper than a check after each
            gap = sdf(origin + rays * at)
            at = at + gap
        inside = at < stop
        close = gap < _HIT
        done = close & inside
        hits.append(ids[done])
        depths.append(at[done])
        go = np.flatnonzero(inside & ~close)
        if not go.size:
            break
        ids, rays, at, stop = ids[go], rays.take(go, 1), at[go], stop[go]
    return np.concatenate(hits), np.concatenate(depths)


def gradient(sdf: Sdf, point: Array) -> Array:
    """Return unit normals (3, n) of the solid at points on its surface, from four samples around each."""
    slope: Array = np.zeros_like(point)
    for corner in ((1, -1, -1), (-1, -1, 1), (-1, 1, -1), (1, 1, 1)):
        step = np.array(corner, np.float32)[:, None]
        slope += step * sdf(point + step * np.float32(0.002))
    unit: Array = slope / (np.sqrt((slope**2).sum(0)) + np.float32(1e-9))
    return unit


def openness(part: Part, offset: Array, normal: Array) -> Array:
    """Return the share of the sky (0.15 to 1) that a part leaves to points at ``offset`` from its centre."""
    local, outward = part.rotation.T @ offset, part.rotation.T @ normal
    closed: Array = np.zeros(offset.shape[1], np.float32)
    for step, weight in ((0.08, 2.8), (0.3, 1.0)):
        closed += np.maximum(step - part.sdf(local + outward * np.float32(step)), 0) * weight
    return np.clip(1 - closed, 0.15, 1)


def unshadowed(part: Part, offset: Array, toward: Array, start: Array, stop: Array, softness: float) -> Array:
    """Return the share of the lamp (0 to 1) that a part leaves to points at ``offset`` from its centre.

    Rays run towards the lamp from ``start`` to ``stop``. A ray that passes close to the part is partly shaded; the
    margin grows with the distance.
    """
    local = part.rotation.T @ offset
    direction = (part.rotation.T @ toward)[:, None]
    clear: Array = np.ones(start.shape, np.float32)
    ids, at, share = np.arange(start.size), start, clear
    widest = 0.3 + 0.35 * part.radius
    for _ in range(10):
        for _ in range(2):
            gap = part.sdf(local + direction * at)
            share = np.minimum(share, gap * softness / np.maximum(at, 0.05))
            at = at + np.clip(gap, 0.03, widest)
        clear[ids] = share
        go = np.flatnonzero((at < stop) & (share > 0.02))
        if not go.size:
            break
        ids, local, at, stop, share = ids[go], local.take(go, 1), at[go], stop[go], share[go]
    clear = np.clip(clear, 0, 1)
    smooth: Array = clear * clear * (3 - 2 * clear)
    return smooth
