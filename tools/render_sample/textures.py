"""Eight textures. Each returns height and colour over the plane; ``relief`` lights them."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tools.render_sample.noise import Random, between, blur, colour, earthy, field, hashed
from tools.render_sample.paint import where
from tools.render_sample.sdf import Array

Material = Callable[[Random, Array, Array], tuple[Array, Array, float]]
"""(rng, u, v) to height (rows, columns), linear RGB (3, rows * columns) and shine; u, v in units of the pattern."""


def relief(rng: Random, material: Material, width: int, height: int) -> NDArray[np.uint8]:
    """Draw one view of a material: rotated, scaled, at an angle, lit from the side; return display RGB."""
    rows, columns = 2 * height, 2 * width
    grid: Array = np.indices((rows, columns), np.float32)
    x, y = (grid[1] - width) / height, (grid[0] - height) / height
    angle, zoom = between(rng, -0.4, 0.4), between(rng, 1.6, 2.7)
    depth = 1 + x * between(rng, -0.15, 0.15) + y * between(rng, -0.25, 0.05)
    x, y = x / depth * zoom + between(rng, -9, 9), y / depth * zoom + between(rng, -9, 9)
    sine, cosine = float(np.sin(angle)), float(np.cos(angle))
    u, v = x * cosine - y * sine, x * sine + y * cosine
    bumps, albedo, shine = material(rng, u, v)
    slopes: list[Array] = list(np.gradient(bumps, np.float32(zoom / height)))
    lit = _lit(rng, slopes[1], slopes[0], shine)
    shade = (0.25 + 0.75 * _shade(rng, columns, rows)).ravel()
    picture = np.maximum((albedo * lit[0] + lit[1]) * shade, 0)
    picture = np.power(picture * (1 + picture * 0.18) / (1 + picture * 0.55), np.float32(1 / 2.2))
    levels = (np.clip(picture, 0, 1).T.reshape(rows, columns, 3) * 255 + 0.5).astype(np.uint8)
    return np.asarray(Image.fromarray(levels).reduce(2))


def _lit(rng: Random, slope_x: Array, slope_y: Array, shine: float) -> tuple[Array, Array]:
    """Return diffuse light and highlight, both flat, of a surface with these slopes under a random lamp."""
    angle, lift = between(rng, 0, 2 * np.pi), between(rng, 0.6, 1.5)
    lamp = np.array([np.cos(angle), np.sin(angle), lift], np.float32)
    lamp /= np.sqrt((lamp**2).sum())
    length = np.sqrt(1 + slope_x**2 + slope_y**2)
    facing = np.maximum((lamp[2] - lamp[0] * slope_x - lamp[1] * slope_y) / length, 0)
    half = lamp + np.array([0, 0, 1], np.float32)
    half /= np.sqrt((half**2).sum())
    glint = np.maximum((half[2] - half[0] * slope_x - half[1] * slope_y) / length, 0)
    glint = (glint * glint) ** 8
    return (facing * between(rng, 1.1, 1.7) + 0.35).ravel(), (shine * glint * glint).ravel()


def _shade(rng: Random, columns: int, rows: int) -> Array:
    """Draw uneven light: a soft gradient, sometimes with the shadow of an object outside the picture."""
    small: Array = field(rng, (rows // 4, columns // 4), 1.0) * 0.8 + 0.3
    if rng.random() < 0.4:
        leaves = (field(rng, (rows // 4, columns // 4), between(rng, 2, 4), 2) > 0.52).astype(np.float32)
        small = small * (0.45 + 0.55 * blur(leaves, between(rng, 1.5, 5)))
    return np.asarray(Image.fromarray(small).resize((columns, rows), Image.Resampling.BILINEAR))


def _ramp(values: Array, low: float, high: float) -> Array:
    share = np.clip((values - low) / (high - low), 0, 1)
    result: Array = share * share * (3 - 2 * share)
    return result


def bricks(rng: Random, u: Array, v: Array) -> tuple[Array, Array, float]:
    """Draw a brick wall in running bond."""
    clay = earthy(rng, 0.7)
    mortar = colour(rng, (0.0, 0.2), (0.55, 0.9))
    row = np.floor(v * 2)
    shifted = u + row % 2 * np.float32(0.5)
    column = np.floor(shifted)
    edge = np.minimum(0.5 - np.abs(shifted - column - 0.5), (0.5 - np.abs(v * 2 - row - 0.5)) / 2)
    face = _ramp(edge, 0.025, 0.07)
    rough = field(rng, u.shape, 60, 2)
    tone = (0.6 + 0.5 * hashed(row, column) + 0.25 * (rough - 0.5)).ravel()
    return face * 0.06 + rough * 0.035, where(face.ravel(), clay, mortar) * tone, 0.05


def checker(rng: Random, u: Array, v: Array) -> tuple[Array, Array, float]:
    """Draw square tiles of two colours."""
    first, second = colour(rng, (0.0, 0.8), (0.7, 1.0)), colour(rng, (0.2, 0.9), (0.08, 0.5))
    column, row = np.floor(u * 1.5), np.floor(v * 1.5)
    edge = 0.5 - np.maximum(np.abs(u * 1.5 - column - 0.5), np.abs(v * 1.5 - row - 0.5))
    odd = (column + row) % 2
    cloud = field(rng, u.shape, 9, 3).ravel()
    tone = (
        (0.75 + 0.25 * hashed(row, column)).ravel()
        * (0.8 + 0.4 * cloud)
        * (0.5 + 0.5 * _ramp(edge, 0.01, 0.03)).ravel()
    )
    return _ramp(edge, 0.0, 0.06) * 0.03, where(odd.ravel(), first, second) * tone, between(rng, 0.1, 0.5)


def wood(rng: Random, u: Array, v: Array) -> tuple[Array, Array, float]:
    """Draw the grain of sawn wood: long rings around a knot."""
    light = earthy(rng, 0.6)
    dark = (light[0] * 0.35, light[1] * 0.28, light[2] * 0.25)
    warp = field(rng, u.shape, 2.5, 3)
    stretch = between(rng, 0.12, 0.6)
    away_u, away_v = u - float(u.mean()) + between(rng, -2, 2), v - float(v.mean()) + between(rng, -1, 1)
    rings = np.sqrt((away_u * stretch) ** 2 + away_v**2) * between(rng, 3.5, 6) + warp * 3
    saw = rings - np.floor(rings)
    late = _ramp(saw, 0.25, 0.9) * (1 - _ramp(saw, 0.92, 1.0))
    pores = field(rng, u.shape, 80)
    return late * 0.015 + pores * 0.01, where((late * 0.8 + pores * 0.2).ravel(), dark, light), between(rng, 0.02, 0.3)


def marble(rng: Random, u: Array, v: Array) -> tuple[Array, Array, float]:
    """Draw polished stone with veins."""
    stone = colour(rng, (0.0, 0.5), (0.75, 1.0)) if rng.random() < 0.6 else colour(rng, (0.2, 0.7), (0.15, 0.4))
    vein = colour(rng, (0.1, 0.6), (0.1, 0.4)) if sum(stone) > 0.9 else colour(rng, (0.0, 0.4), (0.75, 1.0))
    warp = field(rng, u.shape, 3, 5) * between(rng, 5, 8)
    fine = 1 - np.abs(np.sin(u * between(rng, 0.8, 1.6) + warp * 1.3))
    broad = 1 - np.abs(np.sin(v * 0.7 + field(rng, u.shape, 2.5, 5) * 6))
    mixed = np.clip(fine**7 * 0.9 + broad**12 + 0.25 * field(rng, u.shape, 4, 4), 0, 1)
    return mixed * 0, where(mixed.ravel(), vein, stone), between(rng, 0.0, 0.25)


def stripes(rng: Random, u: Array, v: Array) -> tuple[Array, Array, float]:
    """Draw striped cloth in folds."""
    count = int(rng.integers(2, 5))
    tints = np.array([colour(rng, (0.0, 0.9), (0.15, 1.0)) for _ in range(count)], np.float32)
    fold = field(rng, u.shape, between(rng, 2, 4))
    bent = u * between(rng, 1.0, 1.8) + fold * between(rng, 0.2, 0.9)
    widths = np.cumsum(rng.uniform(0.4, 1.2, count))
    which = np.searchsorted(widths / widths[-1], bent - np.floor(bent), side="right")
    weave = np.sin(u * 45) * np.sin(v * 45) * np.float32(0.004)
    return fold * between(rng, 0.2, 0.7) + weave, tints[np.minimum(which, count - 1).ravel()].T, 0.05


def honeycomb(rng: Random, u: Array, v: Array) -> tuple[Array, Array, float]:
    """Draw six-sided cells with raised walls."""
    wall = earthy(rng, 0.5)
    inside = (wall[0] * 0.25, wall[1] * 0.2, wall[2] * 0.2)
    x, y, tall = u * 1.35, v * 1.35, np.float32(3**0.5)
    a_x, a_y = x - np.round(x), y - np.round(y / tall) * tall
    b_x, b_y = x - np.floor(x) - 0.5, y - (np.floor(y / tall) + 0.5) * tall
    first = a_x**2 + a_y**2 < b_x**2 + b_y**2
    c_x, c_y = np.where(first, a_x, b_x), np.where(first, a_y, b_y)
    edge = 0.5 - np.maximum(np.abs(c_x), np.abs(c_x) * 0.5 + np.abs(c_y) * (tall / 2))
    rim = 1 - _ramp(edge, 0.05, 0.13)
    tone = 0.65 + 0.6 * hashed(np.floor((x - c_x) * 2 + 0.5), np.floor((y - c_y) / tall * 2 + 0.5))
    mixed = where(rim.ravel(), wall, inside) * np.maximum(tone, rim).ravel()
    return rim * 0.12 + 0.05 * (c_x**2 + c_y**2), mixed, between(rng, 0.1, 0.6)


def knit(rng: Random, u: Array, v: Array) -> tuple[Array, Array, float]:
    """Draw knitted wool: columns of slanting stitches, with a band or two of another colour."""
    wool, other = colour(rng, (0.1, 0.9), (0.3, 1.0)), colour(rng, (0.0, 0.9), (0.3, 1.0))
    x = u * 2.2
    leg = np.abs(x - np.floor(x) - 0.5) * 2
    lifted = v * 3.0 - leg * 0.9
    row = np.floor(lifted)
    across, along = (leg - 0.5) * 2, (lifted - row - 0.5) * 2
    body = np.clip(1 - across**2 * 0.95 - along**2 * 0.8, 0, 1)
    fuzz = field(rng, u.shape, 90)
    period = int(rng.integers(4, 9))
    band = (
        ((row % period) < period * 0.3).astype(np.float32).ravel()
        if rng.random() < 0.6
        else np.zeros(u.size, np.float32)
    )
    tone = (0.3 + 0.7 * np.sqrt(body)) * (0.8 + 0.4 * fuzz)
    return np.sqrt(body) * 0.13 + fuzz * 0.012, where(band, other, wool) * tone.ravel(), 0.03


def pebbles(rng: Random, u: Array, v: Array) -> tuple[Array, Array, float]:
    """Draw rounded stones close together."""
    base, earth = colour(rng, (0.05, 0.6), (0.5, 0.95)), colour(rng, (0.1, 0.5), (0.08, 0.3))
    x, y = u * 1.7 + 100, v * 1.7 + 100
    column, row = np.floor(x), np.floor(y)
    nearest: Array = np.full(u.shape, 9, np.float32)
    second, owner = nearest.copy(), np.zeros(u.shape, np.float32)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            i, j = column + dx, row + dy
            name, other = hashed(i, j), hashed(j, i)
            away = (x - i - 0.15 - 0.7 * name) ** 2 + (y - j - 0.15 - 0.7 * other) ** 2
            closer = away < nearest
            second = np.where(closer, nearest, np.minimum(second, away))
            owner, nearest = np.where(closer, name, owner), np.where(closer, away, nearest)
    dome = np.sqrt(_ramp(np.sqrt(second) - np.sqrt(nearest), 0.02, 0.55))
    grain = field(rng, u.shape, 50, 2)
    tone = (0.35 + 0.8 * owner + 0.3 * (grain - 0.5)).ravel()
    return (
        dome * 0.22 + grain * 0.015,
        where(_ramp(dome, 0.1, 0.4).ravel(), base, earth) * tone,
        between(rng, 0.05, 0.4),
    )


TEXTURES: dict[str, Material] = {
    "bricks": bricks,
    "checker": checker,
    "honeycomb": honeycomb,
    "knit": knit,
    "marble": marble,
    "pebbles": pebbles,
    "stripes": stripes,
    "wood": wood,
}
