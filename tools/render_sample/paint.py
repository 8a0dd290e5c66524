"""Paints: the colour of a solid at points of its surface."""

from dataclasses import replace

import numpy as np

from tools.render_sample.noise import Colour, Random, between, colour, column
from tools.render_sample.part import Paint, Part
from tools.render_sample.sdf import Array


def plain(rgb: Colour) -> Paint:
    """Make a paint of one colour."""
    tint = column(rgb)
    return lambda p, n: np.broadcast_to(tint, p.shape)


def where(mask: Array, first: Colour, second: Colour) -> Array:
    """Mix colours: ``first`` where mask is 1, ``second`` where it is 0."""
    return column(first) * mask + column(second) * (1 - mask)


def bands(first: Colour, second: Colour, axis: int, period: float, phase: float) -> Paint:
    """Make a paint of rings across one axis."""
    return lambda p, n: where(((p[axis] / period + phase) % 1 < 0.5).astype(np.float32), first, second)


def veins(rng: Random, first: Colour, second: Colour) -> Paint:
    """Make a paint of soft clouds of two colours, from a few sine waves."""
    waves = rng.normal(0, 2.6, (3, 3)).astype(np.float32)
    phases = rng.uniform(0, 6, (3, 1)).astype(np.float32)

    def paint(p: Array, _: Array) -> Array:
        bent = p + 0.35 * np.sin(waves @ p + phases)
        return where(0.5 + 0.5 * np.sin((waves[::-1] @ bent + phases).sum(0)), first, second)

    return paint


def any_paint(rng: Random) -> Paint:
    """Choose a paint: mostly one colour, sometimes rings or clouds."""
    first, second = colour(rng), colour(rng, (0.05, 0.7), (0.4, 1.0))
    choice = float(rng.random())
    if choice < 0.64:
        return plain(first)
    if choice < 0.8:
        return bands(first, second, int(rng.integers(3)), between(rng, 0.35, 0.7), float(rng.random()))
    return veins(rng, first, second)


def finish(rng: Random, part: Part) -> Part:
    """Make a part matt or glossy at random."""
    if rng.random() < 0.45:
        return replace(part, shine=between(rng, 0.05, 0.15), gloss=12.0)
    return replace(part, shine=between(rng, 0.3, 0.8), gloss=between(rng, 30, 120))


def turn(yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> Array:
    """Return a rotation matrix: roll about z, then pitch about x, then yaw about y (radians)."""
    sy, cy, sx, cx, sz, cz = (f(a) for a in (yaw, pitch, roll) for f in (np.sin, np.cos))
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    turned: Array = (about_y @ about_x @ about_z).astype(np.float32)
    return turned


def settle(parts: list[Part], rotation: Array) -> list[Part]:
    """Rotate a group of parts about the origin and lower it until its lowest point is at y = 0."""
    placed = []
    for part in parts:
        x, y, z = (float(v) for v in rotation @ np.array(part.centre, np.float32))
        placed.append(replace(part, centre=(x, y, z), rotation=rotation @ part.rotation))
    lowest = min(_lowest(part) for part in placed)
    return [replace(part, centre=(part.centre[0], part.centre[1] - lowest, part.centre[2])) for part in placed]


def _lowest(part: Part) -> float:
    """Return the height of the lowest point of a part, from a coarse grid over its lower half."""
    side = np.linspace(-part.radius, part.radius, 19, dtype=np.float32)
    below = np.linspace(-part.radius, part.radius * 0.1, 24, dtype=np.float32)
    x, y, z = (axis.ravel() for axis in np.meshgrid(side, below, side, indexing="ij"))
    inside = part.sdf(part.rotation.T @ np.stack([x, y, z])) < 0.02 * part.radius
    return part.centre[1] + (float(y[inside].min()) if inside.any() else -part.radius)
