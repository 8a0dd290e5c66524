"""Things made of several parts, first half: games and timepieces. The second half is in ``outdoors.py``."""

import numpy as np

from tools.render_sample import sdf
from tools.render_sample.noise import Colour, Random, between, colour, column
from tools.render_sample.outdoors import OUTDOORS
from tools.render_sample.paint import finish, plain, turn, where
from tools.render_sample.part import Paint, Part
from tools.render_sample.scenery import Builder, Subject
from tools.render_sample.sdf import Array, Sdf

_PIPS: dict[int, list[tuple[float, float]]] = {
    0: [],
    1: [(0, 0)],
    2: [(-1, -1), (1, 1)],
    3: [(-1, -1), (0, 0), (1, 1)],
    4: [(-1, -1), (1, 1), (-1, 1), (1, -1)],
    5: [(-1, -1), (1, 1), (-1, 1), (1, -1), (0, 0)],
    6: [(-1, -1), (1, 1), (-1, 1), (1, -1), (-1, 0), (1, 0)],
}


def _dots(u: Array, v: Array, number: int, spread: float, radius: float) -> Array:
    """Return 1 where (u, v) lies on one of the pips of ``number``, else 0."""
    found: Array = np.zeros(u.shape, np.float32)
    for x, y in _PIPS[number]:
        found[(u - x * spread) ** 2 + (v - y * spread) ** 2 < radius**2] = 1
    return found


def _die_paint(body: Colour, pip: Colour) -> Paint:
    def paint(p: Array, n: Array) -> Array:
        mask: Array = np.zeros(p.shape[1], np.float32)
        face = np.argmax(np.abs(n), axis=0)
        for axis, (low, high) in enumerate(((1, 6), (2, 5), (3, 4))):
            for positive, number in ((False, low), (True, high)):
                ids = np.flatnonzero((face == axis) & ((p[axis] > 0) == positive))
                u, v = (p[other][ids] for other in range(3) if other != axis)
                mask[ids] = _dots(u, v, number, 0.5, 0.2)
        return where(mask, pip, body)

    return paint


def _spots(rng: Random, count: int, apart: float, room: float) -> list[tuple[float, float]]:
    """Choose ``count`` places in a square of half side ``room``, at least ``apart`` from each other if they fit."""
    spots: list[tuple[float, float]] = []
    for attempt in range(400):
        x, z = between(rng, -room, room), between(rng, -room, room)
        needed = apart if attempt < 300 else apart * 0.8
        if all((x - a) ** 2 + (z - b) ** 2 > needed**2 for a, b in spots):
            spots.append((x, z))
        if len(spots) == count:
            break
    return spots


def dice(rng: Random) -> Subject:
    """Build two to four thrown dice."""
    body = colour(rng, (0.0, 0.9), (0.75, 1.0))
    pip = (0.02, 0.02, 0.02) if sum(body) > 0.8 else (0.85, 0.85, 0.85)
    solid = sdf.box(1, 1, 1, 0.22)
    parts: list[Part] = []
    for x, z in _spots(rng, int(rng.integers(2, 5)), 2.7, 2.3):
        facing = turn(pitch=np.pi / 2 * int(rng.integers(4)), roll=np.pi / 2 * int(rng.integers(4)))
        pose = turn(yaw=between(rng, 0, 6)) @ facing
        parts.append(finish(rng, Part(solid, _die_paint(body, pip), 1.6, (x, 1.0, z), pose, convex=True)))
    return Subject(parts, (18, 65), clutter=False, zoom=1.15)


def dominoes(rng: Random) -> Subject:
    """Build domino tiles on a table."""
    body = colour(rng, (0.0, 0.5), (0.04, 0.15) if rng.random() < 0.5 else (0.8, 1.0))
    pip = (0.03, 0.03, 0.03) if sum(body) > 0.7 else (0.85, 0.85, 0.85)
    solid = sdf.box(1, 0.2, 0.5, 0.06)

    def tile_paint(first: int, second: int) -> Paint:
        def paint(p: Array, n: Array) -> Array:
            top = n[1] > 0.7
            mask = _dots(p[0] - 0.5, p[2], first, 0.27, 0.1) + _dots(p[0] + 0.5, p[2], second, 0.27, 0.1)
            mask[(np.abs(p[0]) < 0.03) & (np.abs(p[2]) < 0.42)] = 1
            return where(np.where(top, mask, 0).astype(np.float32), pip, body)

        return paint

    parts: list[Part] = []
    for x, z in _spots(rng, int(rng.integers(4, 6)), 2.1, 2.0):
        paint = tile_paint(int(rng.integers(7)), int(rng.integers(7)))
        pose = turn(between(rng, 0, 6))
        parts.append(finish(rng, Part(solid, paint, 1.15, (x, 0.2, z), pose, convex=True)))
    return Subject(parts, (45, 78), clutter=False, zoom=1.35)


def clock(rng: Random) -> Subject:
    """Build a round clock on its wall, seen from the front or at an angle."""
    dial, mark = colour(rng, (0.0, 0.4), (0.8, 1.0)), (0.02, 0.02, 0.03)
    if rng.random() < 0.3:
        dial, mark = colour(rng, (0.2, 0.9), (0.08, 0.3)), (0.8, 0.8, 0.78)
    accent, rim = colour(rng, (0.7, 1), (0.6, 1)), colour(rng)
    minutes = between(rng, 0, 720)
    hands = [(minutes / 720, 0.45, 0.055), (minutes / 60, 0.72, 0.035)]
    ticks = 12 if rng.random() < 0.7 else 4
    ahead = between(rng, -0.25, 0.25)

    def paint(p: Array, n: Array) -> Array:
        radius = np.sqrt(p[0] ** 2 + p[2] ** 2)
        angle = np.arctan2(p[0], -p[2]) / np.float32(2 * np.pi)
        off = (angle * ticks - np.round(angle * ticks)) / ticks * (2 * np.pi) * radius
        mask = ((np.abs(off) < 0.035) & (radius > 0.72) & (radius < 0.9)).astype(np.float32)
        for share, length, width in hands:
            sine, cosine = float(np.sin(2 * np.pi * share)), float(-np.cos(2 * np.pi * share))
            along, across = p[0] * sine + p[2] * cosine, p[0] * cosine - p[2] * sine
            mask[(np.abs(across) < width) & (along > -0.12) & (along < length)] = 1
        return np.where(radius < 0.07, column(accent), where(mask, mark, dial))

    tilt = turn(yaw=ahead)
    ring = Part(sdf.torus(1.02, between(rng, 0.08, 0.16)), plain(rim), 1.2, (0, 0.16, 0), tilt, 0.6, 60.0)
    face = Part(sdf.taper(1.02, 1.02, -0.1, 0.1), paint, 1.04, (0, 0.1, 0), tilt, 0.1, 20.0, convex=True)
    return Subject([face, ring], (52, 88), clutter=False, azimuth=(-25, 25))


def chess(rng: Random) -> Subject:
    """Build a small chess board with a few pieces."""
    light, dark = colour(rng, (0.05, 0.4), (0.75, 1.0)), colour(rng, (0.3, 0.9), (0.12, 0.45))
    sides = [colour(rng, (0.0, 0.4), (0.8, 1.0)), colour(rng, (0.0, 0.6), (0.05, 0.22))]

    def squares(p: Array, _: Array) -> Array:
        odd = (np.floor(p[0]) + np.floor(p[2])) % 2
        border = np.maximum(np.abs(p[0]), np.abs(p[2])) > 3
        return np.where(border, column(dark) * 0.5, where(odd, light, dark))

    parts = [Part(sdf.box(3.3, 0.2, 3.3), squares, 4.68, (0, 0.2, 0), shine=0.25, convex=True)]
    cells = rng.permutation(36)[: int(rng.integers(4, 8))]
    for cell in cells.tolist():
        piece = _piece(rng)
        tint = sides[int(rng.integers(2))]
        at = (cell % 6 - 2.5, 1.3, cell // 6 - 2.5)
        parts.append(Part(piece, plain(tint), 1.05, at, shine=0.4, gloss=50.0))
    return Subject(parts, (24, 58), clutter=False, zoom=1.35)


def _piece(rng: Random) -> Sdf:
    """Build a pawn, bishop or rook; its foot is 0.9 below the origin."""
    height = between(rng, 0.15, 0.4)
    foot, body = sdf.frustum(0.42, 0.34, -0.9, -0.7), sdf.frustum(0.3, 0.15, -0.75, height)
    choice = int(rng.integers(3))
    if choice == 0:
        return sdf.spun(foot, body, lambda q, y: np.sqrt(q**2 + (y - height) ** 2) - 0.22)
    if choice == 1:
        return sdf.spun(foot, body, sdf.frustum(0.24, 0.05, height, height + 0.5))
    return sdf.spun(foot, body, sdf.frustum(0.24, 0.28, height, height + 0.3))


ARRANGEMENTS: dict[str, Builder] = {"chess": chess, "clock": clock, "dice": dice, "dominoes": dominoes, **OUTDOORS}
