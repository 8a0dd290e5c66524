"""Random scenery of a subject: camera, lamp, floor, backdrop and clutter."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from tools.render_sample import sdf
from tools.render_sample.noise import Random, between, colour, column, field, linear
from tools.render_sample.paint import any_paint, finish, plain, settle, turn, where
from tools.render_sample.part import Paint, Part
from tools.render_sample.sdf import Array
from tools.render_sample.shading import Camera, Light, Scene


@dataclass(frozen=True)
class Subject:
    """The parts of one object, standing on y = 0, and the angles from which it may be seen (in degrees)."""

    parts: list[Part]
    elevation: tuple[float, float] = (12.0, 40.0)
    floor: bool = True
    clutter: bool = True
    azimuth: tuple[float, float] = (-180.0, 180.0)
    zoom: float = 1.0
    outdoors: bool = False


Builder = Callable[[Random], Subject]


def stage(rng: Random, subject: Subject, width: int, height: int) -> Scene:
    """Put a subject into a random scene for a picture of this size."""
    centre, radius = _bounds(subject.parts)
    camera, distance = _camera(rng, subject, centre, radius, width, height)
    parts = list(subject.parts)
    if subject.clutter and rng.random() < 0.4:
        parts += _clutter(rng, centre, radius, camera)
    airy = subject.outdoors or not subject.floor
    backdrop = (_sky if airy else _backdrop)(rng, width, height)
    floor = _floor(rng, backdrop, radius, subject.outdoors) if subject.floor else None
    return Scene(parts, camera, _light(rng, camera), backdrop, floor, distance + 2.2 * radius)


def _bounds(parts: list[Part]) -> tuple[Array, float]:
    low = np.min([np.array(part.centre) - part.radius for part in parts], axis=0)
    high = np.max([np.array(part.centre) + part.radius for part in parts], axis=0)
    centre = (low + high) / 2
    radius = max(float(np.linalg.norm(np.array(part.centre) - centre)) + part.radius for part in parts)
    return centre.astype(np.float32), radius


def _camera(
    rng: Random, subject: Subject, centre: Array, radius: float, width: int, height: int
) -> tuple[Camera, float]:
    azimuth = np.radians(between(rng, *subject.azimuth))
    elevation = np.radians(between(rng, *subject.elevation))
    back = np.array([np.cos(elevation) * np.sin(azimuth), np.sin(elevation), np.cos(elevation) * np.cos(azimuth)])
    roll = np.radians(between(rng, -7, 7))
    right = np.cross(-back, [np.sin(roll) * np.cos(azimuth), np.cos(roll), -np.sin(roll) * np.sin(azimuth)])
    right /= np.linalg.norm(right)
    focal = between(rng, 2.4, 4.2)
    shorter = min(1.0, width / height)
    distance = radius * focal / (shorter * between(rng, 0.85, 1.05) * subject.zoom)
    up = np.cross(right, -back)
    aside = right * between(rng, -0.12, 0.12) + up * between(rng, -0.08, 0.08)
    position = centre + aside * radius + back * distance
    if subject.floor:
        position[1] = max(float(position[1]), 0.05 * distance)
    axes = np.stack([right, up, -back]).astype(np.float32)
    return Camera(position.astype(np.float32), axes, focal), distance


def _light(rng: Random, camera: Camera) -> Light:
    """Draw a lamp on the camera's side of the subject, left or right, from low to high."""
    right, _, forward = camera.axes
    side = between(rng, 0.25, 1.1) * float(rng.choice([-1, 1]))
    flat = right * side - forward * np.array([1, 0, 1], np.float32) * between(rng, -0.25, 0.9)
    direction = flat + np.array([0, between(rng, 0.6, 1.8), 0], np.float32)
    direction /= np.linalg.norm(direction)
    warmth = between(rng, -0.18, 0.3)
    strength = between(rng, 1.0, 1.8)
    key = np.array([1 + warmth * 0.5, 1, 1 - warmth], np.float32) * strength
    sky = np.array([1 - warmth * 0.5, 1, 1 + warmth * 0.6], np.float32) * between(rng, 0.38, 0.62)
    return Light(direction.astype(np.float32), key, sky, sky * 0.45, between(rng, 5, 22))


def _backdrop(rng: Random, width: int, height: int) -> Array:
    first, second = column(colour(rng, (0.03, 0.6), (0.15, 0.95))), column(colour(rng, (0.03, 0.6), (0.15, 0.95)))
    choice = float(rng.random())
    mix = field(rng, (height, width), 1.0) if choice < 0.45 else field(rng, (height, width), between(rng, 2, 6), 2)
    picture = first * (1 - mix.ravel()) + second * mix.ravel()
    if choice > 0.7:
        picture = picture + column(colour(rng)) * _blobs(rng, width, height).ravel()
    return picture.T.reshape(height, width, 3).astype(np.float32)


def _blobs(rng: Random, width: int, height: int) -> Array:
    """Draw discs of light out of focus."""
    y, x = np.indices((height, width), np.float32)
    total: Array = np.zeros((height, width), np.float32)
    for _ in range(int(rng.integers(5, 13))):
        radius = between(rng, 0.03, 0.1) * height
        away = np.sqrt((x - between(rng, 0, width)) ** 2 + (y - between(rng, 0, 0.8 * height)) ** 2)
        total += np.clip((radius - away) / 3, 0, 1) * between(rng, 0.1, 0.5)
    return total


def _sky(rng: Random, width: int, height: int) -> Array:
    """Draw a day's sky with clouds, or an indoor blur."""
    if rng.random() < 0.3:
        return _backdrop(rng, width, height)
    top, bottom = colour(rng, (0.4, 0.8), (0.5, 0.9)), colour(rng, (0.05, 0.35), (0.8, 1.0))
    hue = linear((between(rng, 0.2, 0.45), between(rng, 0.45, 0.65), between(rng, 0.75, 0.95)))
    if rng.random() < 0.6:
        top = hue
    down = np.broadcast_to(np.linspace(0, 1, height, dtype=np.float32)[:, None], (height, width))
    clouds = np.clip((field(rng, (height, width), between(rng, 2, 4), 4) - 0.5) * 5, 0, 1) * between(rng, 0.2, 1)
    picture: Array = where(down.ravel(), bottom, top) * (1 - clouds.ravel()) + 0.85 * clouds.ravel()
    return picture.T.reshape(height, width, 3).astype(np.float32)


def _floor(rng: Random, backdrop: Array, scale: float, outdoors: bool) -> Paint:
    near = tuple(float(v) for v in backdrop[-backdrop.shape[0] // 3 :].mean((0, 1)))
    own = colour(rng, (0.05, 0.65), (0.25, 0.9))
    first = (near[0], near[1], near[2]) if rng.random() < 0.5 else own
    choice = float(rng.random())
    if outdoors:
        first = (between(rng, 0.05, 0.4), between(rng, 0.2, 0.4), between(rng, 0.02, 0.15))
        choice = 1.0
    if choice < 0.6:
        return plain(first)
    second = (first[0] * 0.62, first[1] * 0.6, first[2] * 0.58)
    turned = turn(yaw=between(rng, 0, 3.1))
    pitch = between(rng, 0.35, 0.8) * scale
    waves = rng.normal(0, 3 / scale, (4, 3)).astype(np.float32)

    def planks(p: Array, _: Array) -> Array:
        x, _, z = turned @ p
        board = np.floor(x / pitch)
        grain = 0.5 + 0.25 * np.sin(board * 12.9) + 0.12 * np.sin(z * 1.7 / scale + x * 40 / scale + 3 * board)
        return where(np.where(np.abs(x / pitch - board - 0.5) > 0.475, 0, grain).astype(np.float32), first, second)

    def cloth(p: Array, _: Array) -> Array:
        return where(np.clip(0.5 + 0.14 * np.sin(waves @ p).sum(0), 0, 1), first, second)

    return planks if choice < 0.75 else cloth


def _clutter(rng: Random, centre: Array, radius: float, camera: Camera) -> list[Part]:
    """Place a few small objects beside or behind the subject, as the camera sees it."""
    right, _, forward = camera.axes
    things: list[Part] = []
    for _ in range(int(rng.integers(1, 4))):
        size = between(rng, 0.08, 0.2) * radius
        angle = between(rng, -0.35, np.pi + 0.35)
        away = radius * between(rng, 1.0, 1.5)
        spot = centre + (right * np.cos(angle) + forward * max(0.0, float(np.sin(angle)))) * away
        shape = [
            sdf.ball(size),
            sdf.box(size, size * 0.7, size * 0.8, size * 0.1),
            sdf.taper(size, size * 0.7, -size, size),
        ]
        thing = finish(rng, Part(shape[int(rng.integers(3))], any_paint(rng), size * 1.5, convex=True))
        placed = settle([thing], turn(yaw=between(rng, 0, 6)))[0]
        things.append(replace(placed, centre=(float(spot[0]), placed.centre[1], float(spot[2]))))
    return things
