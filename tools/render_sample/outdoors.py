"""Things made of several parts, second half: outdoor scenes."""

import numpy as np

from tools.render_sample import sdf
from tools.render_sample.noise import Colour, Random, between, colour, column
from tools.render_sample.paint import bands, plain, turn, where
from tools.render_sample.part import Part
from tools.render_sample.scenery import Builder, Subject
from tools.render_sample.sdf import Array


def flower(rng: Random) -> Subject:
    """Build a flower: petals around a centre, on a stem with leaves."""
    petals, length = int(rng.integers(5, 13)), between(rng, 0.5, 0.75)
    width = min(0.42, 2.3 / petals)
    one = sdf.ellipsoid(length, 0.09, width, (length * 0.95, 0.1, 0.0))
    inner, outer = colour(rng, (0.5, 1), (0.5, 1)), colour(rng, (0.1, 0.9), (0.6, 1))
    heart = colour(rng, (0.5, 1.0), (0.25, 0.95))

    def paint(p: Array, _: Array) -> Array:
        return where(np.clip(np.sqrt(p[0] ** 2 + p[2] ** 2) * 0.75, 0, 1), outer, inner)

    head = turn(between(rng, -1, 1), between(rng, 0.2, 0.9))
    up = head @ np.array([0, 1, 0], np.float32)
    height = between(rng, 1.3, 1.9)
    top = (0.0, height, 0.0)
    middle = (float(up[0]) * 0.12, height + float(up[1]) * 0.12, float(up[2]) * 0.12)
    green = _green(rng)
    crown = Part(sdf.around(one, petals), paint, length * 2 + 0.02, top, head, 0.15, 15.0)
    centre = Part(sdf.ellipsoid(0.36, 0.2, 0.36), plain(heart), 0.38, middle, head, 0.1, 10.0)
    stem = Part(
        sdf.rod((0, -height / 2, 0), (0, height / 2, 0), 0.06), plain(green), height / 2 + 0.1, (0, height / 2, 0)
    )
    leaves = sdf.around(sdf.ellipsoid(0.42, 0.05, 0.17, (0.42, 0.0, 0.0)), int(rng.integers(2, 4)), between(rng, 0, 3))
    leaf = Part(leaves, plain(green), 0.86, (0, height * between(rng, 0.12, 0.35), 0))
    return Subject([crown, centre, stem, leaf], (22, 72), azimuth=(-50, 50), zoom=1.25)


def _green(rng: Random) -> Colour:
    return (between(rng, 0.02, 0.15), between(rng, 0.14, 0.4), between(rng, 0.01, 0.1))


def tree(rng: Random) -> Subject:
    """Build a tree: a fir of stacked cones, or a round crown of a few bumps."""
    autumn = rng.random() < 0.45
    leaf = (between(rng, 0.3, 0.8), between(rng, 0.06, 0.4), 0.02) if autumn else _green(rng)
    dark = (leaf[0] * 0.45, leaf[1] * 0.5, leaf[2] * 0.5)
    waves = rng.normal(0, 9, (4, 3)).astype(np.float32)

    def foliage(p: Array, _: Array) -> Array:
        return where(np.clip(0.55 + 0.22 * np.sin(waves @ p).sum(0), 0, 1), leaf, dark)

    trunk_height = between(rng, 0.5, 1.1)
    trunk = Part(
        sdf.taper(0.2, 0.13, -trunk_height, trunk_height),
        bands((0.16, 0.08, 0.04), (0.1, 0.05, 0.03), 0, 0.09, 0.0),
        trunk_height + 0.2,
        (0, trunk_height, 0),
    )
    if rng.random() < 0.35:
        levels = [sdf.frustum(1.0 - 0.26 * i, 0.02, 0.55 * i - 1.0, 0.55 * i) for i in range(3)]
        crown = Part(sdf.spun(*levels), foliage, 1.5, (0, trunk_height + 1.2, 0), shine=0.05)
    else:
        bumps = [sdf.ball(between(rng, 0.45, 0.62), _around(rng, 0.5)) for _ in range(4)]
        crown = Part(
            sdf.union(sdf.ball(0.7), *bumps, seam=0.2), foliage, 1.25, (0, 2 * trunk_height + 0.55, 0), shine=0.05
        )
    return Subject([trunk, crown], (3, 24), zoom=1.15, outdoors=True)


def _around(rng: Random, reach: float) -> tuple[float, float, float]:
    x, y, z = rng.normal(0, 1, 3)
    scale = reach / float(np.sqrt(x * x + y * y + z * z))
    return float(x) * scale, abs(float(y)) * scale - 0.1, float(z) * scale


def house(rng: Random) -> Subject:
    """Build a house with a gable roof, a door, windows and a chimney."""
    length, height = between(rng, 1.0, 1.5), between(rng, 0.6, 0.95)
    wall, door = colour(rng, (0.05, 0.6), (0.6, 1.0)), colour(rng, (0.4, 1), (0.15, 0.6))
    pane, roof = (0.05, 0.09, 0.14), colour(rng, (0.3, 0.9), (0.2, 0.65))
    pitch = between(rng, 0.6, 1.1)

    def walls(p: Array, n: Array) -> Array:
        front = np.abs(n[0]) < 0.5
        across = np.where(front, p[0], p[2])
        cell = np.abs((across / 0.62 + 0.5) % 1 - 0.5) * 0.62
        window = (cell < 0.17) & (np.abs(p[1] - 0.08) < 0.2) & (cell > 0.015)
        opening = front & (n[2] > 0) & (np.abs(p[0]) < 0.2)
        window &= ~opening & (np.abs(across) < np.where(front, length, 0.9) - 0.12)
        colours = where(window.astype(np.float32), pane, wall)
        return np.where(opening & (p[1] < 0.12), column(door), colours)

    body = Part(
        sdf.box(length, height, 0.9),
        walls,
        float(np.sqrt(length**2 + height**2 + 0.81)),
        (0, height, 0),
        shine=0.1,
        convex=True,
    )
    slopes = [(0.0, 1.0, pitch), (0.0, 1.0, -pitch), (0.0, -1.0, 0.0), (1.0, 0.0, 0.0), (-1.0, 0.0, 0.0)]
    ridge = pitch * 1.05
    steep = float(np.hypot(1, pitch))
    solid = sdf.planes(slopes, [ridge / steep] * 2 + [0.0] + [length + 0.12] * 2)
    tiles = bands(roof, (roof[0] * 0.6, roof[1] * 0.6, roof[2] * 0.6), 1, 0.17, 0.0)
    cover = Part(solid, tiles, float(np.hypot(length + 0.12, 1.12)), (0, 2 * height, 0), shine=0.1, convex=True)
    stack = Part(
        sdf.box(0.13, 0.4, 0.13), plain((0.3, 0.12, 0.08)), 0.45, (length * 0.5, 2 * height + ridge * 0.75, 0.25)
    )
    return Subject([body, cover, stack], (8, 32), azimuth=(-65, 65), zoom=1.2, outdoors=True)


def balloons(rng: Random) -> Subject:
    """Build three to six balloons on strings in the sky."""
    parts: list[Part] = []
    grip = (0.0, -3.2, 0.0)
    solid = sdf.union(sdf.ellipsoid(0.82, 1.0, 0.82), sdf.taper(0.13, 0.02, -1.12, -0.96), seam=0.1)
    for _ in range(int(rng.integers(3, 7))):
        for _ in range(30):
            x, y, z = (between(rng, -1.5, 1.5), between(rng, -0.6, 1.4), between(rng, -1.0, 1.0))
            if all((x - p.centre[0]) ** 2 + (y - p.centre[1]) ** 2 + (z - p.centre[2]) ** 2 > 1.9 for p in parts[::2]):
                break
        lean = turn(roll=-x * 0.22, pitch=z * 0.2)
        foot = lean @ np.array([0, -1.08, 0], np.float32) + np.array([x, y, z], np.float32)
        parts.append(
            Part(solid, plain(colour(rng, (0.6, 1), (0.5, 1))), 1.14, (x, y, z), lean, 0.75, 90.0, convex=True)
        )
        parts.append(_string(foot, np.array(grip, np.float32)))
    return Subject(parts, (-12, 25), floor=False, clutter=False, zoom=1.2)


def _string(start: Array, end: Array) -> Part:
    middle = (start + end) / 2
    half = [float(v) for v in (end - start) / 2]
    length = float(np.linalg.norm(half))
    rod = sdf.rod((-half[0], -half[1], -half[2]), (half[0], half[1], half[2]), 0.02)
    return Part(
        rod,
        plain((0.25, 0.24, 0.22)),
        length + 0.05,
        (float(middle[0]), float(middle[1]), float(middle[2])),
        shine=0.0,
        shade=False,
    )


OUTDOORS: dict[str, Builder] = {"balloons": balloons, "flower": flower, "house": house, "tree": tree}
