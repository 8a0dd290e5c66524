"""Eight simple solids. Each builder draws proportions, pose and paint and returns a Subject."""

import numpy as np

from tools.render_sample import sdf
from tools.render_sample.noise import Random, between, colour, column, earthy
from tools.render_sample.paint import any_paint, bands, finish, plain, settle, turn, where
from tools.render_sample.part import Paint, Part
from tools.render_sample.scenery import Builder, Subject
from tools.render_sample.sdf import Array, Sdf


def _alone(rng: Random, solid: Sdf, radius: float, paint: Paint, lying: float = 0.0, convex: bool = True) -> Subject:
    """Build a subject of one part, upright or (with probability ``lying``) on its side."""
    part = finish(rng, Part(solid, paint, radius, convex=convex))
    pitch = np.pi / 2 if rng.random() < lying else 0.0
    return Subject(settle([part], turn(between(rng, 0, 2 * np.pi)) @ turn(pitch=pitch)))


def sphere(rng: Random) -> Subject:
    """Build a ball: mostly a beach ball, else plain or clouded."""
    paint = any_paint(rng)
    if rng.random() < 0.92:
        first, second = column(colour(rng)), column((0.85, 0.84, 0.8))
        sectors = int(rng.integers(3, 5))

        def beach(p: Array, _: Array) -> Array:
            odd = (np.floor((np.arctan2(p[2], p[0]) / np.pi + 1) * sectors) % 2 > 0) & (np.abs(p[1]) < 0.95)
            return np.where(odd, first, second)

        paint = beach
    part = finish(rng, Part(sdf.ball(1.0), paint, 1.02, convex=True))
    return Subject(settle([part], turn(between(rng, 0, 6), between(rng, -1.2, 1.2), between(rng, -1.2, 1.2))), zoom=0.9)


def cube(rng: Random) -> Subject:
    """Build a cube: mostly a crate with frame and braces, else plain."""
    paint = any_paint(rng)
    if rng.random() < 0.9:
        frame = earthy(rng, 0.5)
        panel = (frame[0] * 0.4, frame[1] * 0.4, frame[2] * 0.4)

        def crate(p: Array, n: Array) -> Array:
            low, second, _ = np.sort(np.abs(p), axis=0)
            return where(((second > 0.74) | (second - low < 0.17)).astype(np.float32), frame, panel)

        paint = crate
    return _alone(rng, sdf.box(1, 1, 1, between(rng, 0.02, 0.08)), 1.72, paint)


def cone(rng: Random) -> Subject:
    """Build a traffic cone on a square base."""
    height = between(rng, 2.0, 2.6)
    body, white = earthy(rng, 0.3), (0.82, 0.82, 0.8)
    paint = bands(body, white, 1, between(rng, 0.8, 1.1), float(rng.random())) if rng.random() < 0.8 else plain(body)
    tip = sdf.taper(0.82, 0.1, -height / 2, height / 2, 0.03)
    cone_part = Part(tip, paint, float(np.hypot(0.82, height / 2)), (0, 0.1, 0), convex=True)
    foot = Part(sdf.box(1.05, 0.09, 1.05, 0.05), plain(body), 1.5, (0, -height / 2, 0), convex=True)
    return Subject(settle([finish(rng, cone_part), foot], turn(between(rng, 0, 6))), (10, 40), zoom=1.15)


def torus(rng: Random) -> Subject:
    """Build a ring, mostly a doughnut with icing and sprinkles."""
    tube = between(rng, 0.34, 0.46)
    paint = any_paint(rng)
    if rng.random() < 0.8:
        icing, dough, sprinkle = column(colour(rng)), column((0.55, 0.3, 0.11)), column((0.85, 0.85, 0.8))

        def doughnut(p: Array, _: Array) -> Array:
            angle = np.arctan2(p[2], p[0])
            across = np.sqrt(p[0] ** 2 + p[2] ** 2)
            dotted = np.sin(angle * 19 + 40 * across) * np.sin(across * 23 - angle * 7) > 0.8
            iced = p[1] > 0.08 * np.sin(5 * angle)
            return np.where(iced, np.where(dotted, sprinkle, icing), dough)

        paint = doughnut
    subject = _alone(rng, sdf.torus(1.0, tube), 1 + tube, paint, convex=False)
    return Subject(subject.parts, (22, 48))


def cylinder(rng: Random) -> Subject:
    """Build a tin with a label and ribs, sometimes lying."""
    half = between(rng, 0.9, 1.3)
    label, stripe, metal = colour(rng), colour(rng, (0.0, 0.5), (0.7, 1.0)), (0.5, 0.5, 0.52)
    low, high = between(rng, -0.5, -0.1), between(rng, 0.1, 0.5)

    def tin(p: Array, _: Array) -> Array:
        across = np.sqrt(p[0] ** 2 + p[2] ** 2)
        ribs = 0.7 + 0.3 * np.sin(p[1] * 40) + 0.25 * np.sin(across * 30)
        shown = where(((p[1] > low * half) & (p[1] < high * half)).astype(np.float32), stripe, label)
        return np.where(np.abs(p[1]) < 0.8 * half, shown, column(metal) * ribs)

    return _alone(rng, sdf.taper(0.8, 0.8, -half, half, 0.04), float(np.hypot(0.8, half)), tin, lying=0.15)


def pyramid(rng: Random) -> Subject:
    """Build a square pyramid, mostly in layers of stone."""
    height = between(rng, 1.3, 1.8)
    slope = 1.05 / height
    sides = [(1.0, slope, 0.0), (-1.0, slope, 0.0), (0.0, slope, 1.0), (0.0, slope, -1.0), (0.0, -1.0, 0.0)]
    length = float(np.hypot(1, slope))
    solid = sdf.planes(sides, [slope * height * 0.62 / length] * 4 + [height * 0.38], 0.01)
    stone = earthy(rng, 0.5)
    joint = (stone[0] * 0.25, stone[1] * 0.25, stone[2] * 0.25)

    def courses(p: Array, n: Array) -> Array:
        row = np.floor(p[1] * 5)
        along = np.where(np.abs(n[0]) > np.abs(n[2]), p[2], p[0])
        shut = (p[1] * 5 - row < 0.16) | ((along * 2.5 + row * 0.5) % 1 < 0.07)
        return where(shut.astype(np.float32), joint, stone)

    paint = courses if rng.random() < 0.92 else any_paint(rng)
    subject = _alone(rng, solid, float(np.hypot(1.05 * 1.42, height * 0.55)), paint)
    return Subject(subject.parts, (12, 45), zoom=1.25)


def mug(rng: Random) -> Subject:
    """Build a mug with its handle to the side, and something to drink."""
    half, bulge = between(rng, 0.8, 0.95), between(rng, -0.06, 0.06)
    outer = sdf.frustum(0.8 + bulge, 0.8, -half, half, 0.05)
    inner = sdf.frustum(0.7 + bulge, 0.7, half * 0.62, half + 0.2)
    cup = sdf.spun(lambda q, y: np.maximum(outer(q, y), -inner(q, y)))
    handle = sdf.carve(sdf.upright_torus(0.44, 0.12, (0.88, 0.0, 0.0)), sdf.taper(0.7, 0.7, -2, 2))
    glaze, inside = colour(rng), colour(rng, (0.0, 0.4), (0.7, 1.0))
    drink = column([(0.06, 0.02, 0.008), (0.35, 0.12, 0.02), (0.7, 0.6, 0.5)][int(rng.integers(3))])
    band = between(rng, -0.5, 0.2) if rng.random() < 0.5 else 9.0

    def paint(p: Array, _: Array) -> Array:
        across = p[0] ** 2 + p[2] ** 2
        wet = (p[1] < half * 0.64) & (p[1] > half * 0.6) & (across < 0.5)
        pale = ((across < 0.56) & (p[1] > half * 0.6)) | ((np.abs(p[1] - band) < 0.16) & (p[0] < 0.88))
        return np.where(wet, drink, where(pale.astype(np.float32), inside, glaze))

    part = finish(rng, Part(sdf.union(cup, handle), paint, 1.45))
    side = between(rng, -0.7, 0.7) + (np.pi if rng.random() < 0.5 else 0.0)
    return Subject(settle([part], turn(side)), (26, 50), azimuth=(-25, 25), zoom=1.12)


def bottle(rng: Random) -> Subject:
    """Build a bottle with a cap and a label, standing, sometimes lying."""
    body, neck = between(rng, 0.45, 0.6), between(rng, 0.14, 0.2)
    solid = sdf.spun(
        sdf.frustum(body, body, -1.5, 0.3, 0.06),
        sdf.frustum(body * 0.92, neck, 0.2, between(rng, 0.7, 1.0)),
        sdf.frustum(neck, neck, 0.6, 1.3),
        sdf.frustum(neck * 1.3, neck * 1.3, 1.32, 1.55),
        seam=0.12,
    )
    glass, label, cap = colour(rng, (0.4, 1), (0.15, 0.7)), colour(rng, (0.05, 0.7), (0.6, 1)), colour(rng)
    top, low = between(rng, -0.1, 0.15), between(rng, -1.1, -0.7)

    def paint(p: Array, n: Array) -> Array:
        banded = where(((p[1] > low) & (p[1] < top)).astype(np.float32), label, glass)
        return np.where(p[1] > 1.32, column(cap), banded)

    part = Part(solid, paint, 1.62, shine=0.7, gloss=90.0)
    pitch = np.pi / 2 if rng.random() < 0.1 else 0.0
    return Subject(settle([part], turn(between(rng, 0, 6)) @ turn(pitch=pitch)), (4, 28), zoom=1.2)


SOLIDS: dict[str, Builder] = {
    "bottle": bottle,
    "cone": cone,
    "cube": cube,
    "cylinder": cylinder,
    "mug": mug,
    "pyramid": pyramid,
    "sphere": sphere,
    "torus": torus,
}
