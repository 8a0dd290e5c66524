"""A small ray marcher: light, shadow and ambient occlusion for solids on a floor.

A ray is marched only through parts whose bounding sphere it meets, so the cost depends on what is visible. Every pixel
is traced once; pixels that differ from a neighbour are traced at two more positions, which smooths the edges.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tools.render_sample.part import Paint, Part
from tools.render_sample.rays import gradient, march, openness, unshadowed
from tools.render_sample.sdf import Array

_EDGE = 0.055
_CENTRE = np.zeros(1, np.float32)
_FAR = np.float32(1e6)


@dataclass(frozen=True)
class Camera:
    """A pinhole: ``axes`` rows are right, up and forward; ``focal`` is in half picture heights."""

    position: Array
    axes: Array
    focal: float


@dataclass(frozen=True)
class Light:
    """A distant lamp and the sky around it, linear RGB."""

    direction: Array
    key: Array
    sky: Array
    ground: Array
    softness: float


@dataclass(frozen=True)
class Scene:
    """Content of one picture. ``backdrop`` is linear RGB (height, width, 3); ``floor`` paints y = 0, or is None."""

    parts: list[Part]
    camera: Camera
    light: Light
    backdrop: Array
    floor: Paint | None
    reach: float


@dataclass
class _Surface:
    """Surface points that the rays hit: one column per ray with a hit."""

    point: Array
    normal: Array
    albedo: Array
    shine: Array
    gloss: Array
    owner: NDArray[np.int64]


def render(scene: Scene) -> NDArray[np.uint8]:
    """Trace ``scene`` at the size of its backdrop; return display RGB, uint8 (height, width, 3)."""
    height, width = scene.backdrop.shape[:2]
    rows, columns = (axis.ravel() for axis in np.indices((height, width)))
    picture = _trace(scene, rows, columns, _CENTRE, _CENTRE).T.reshape(height, width, 3)
    again = np.flatnonzero(_edges(picture))
    if again.size:
        twice = np.concatenate([again, again])
        off = np.repeat(np.array([-0.3, 0.3], np.float32), again.size)
        fine = _trace(scene, rows[twice], columns[twice], off * 0.8, off).T.reshape(2, -1, 3)
        flat = picture.reshape(-1, 3)
        flat[again] = (flat[again] + fine[0] + fine[1]) / 3
    return (np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)


def _edges(picture: Array) -> NDArray[np.bool_]:
    found = np.zeros(picture.shape[:2], bool)
    down = np.abs(picture[1:] - picture[:-1]).max(2) > _EDGE
    right = np.abs(picture[:, 1:] - picture[:, :-1]).max(2) > _EDGE
    found[1:] |= down
    found[:-1] |= down
    found[:, 1:] |= right
    found[:, :-1] |= right
    return found


def _trace(scene: Scene, rows: NDArray[np.int64], columns: NDArray[np.int64], dy: Array, dx: Array) -> Array:
    height, width = scene.backdrop.shape[:2]
    x = ((columns + (0.5 + dx)) * 2 - width).astype(np.float32) / height
    y = (height - (rows + (0.5 + dy)) * 2).astype(np.float32) / height
    right, up, forward = scene.camera.axes[:, :, None]
    rays = right * x + up * y + forward * scene.camera.focal
    rays /= np.sqrt((rays**2).sum(0))
    colour = scene.backdrop[rows, columns].T.copy()
    depth, owner = _nearest(scene, rays)
    seen = np.flatnonzero(depth < _FAR)
    if seen.size:
        surface = _surface(scene, rays[:, seen], depth[seen], owner[seen])
        lit = _light(scene, surface, rays[:, seen])
        if scene.floor is not None:
            fade = np.where(owner[seen] < 0, np.clip(depth[seen] / scene.reach - 1, 0, 1), 0)
            fade = fade * fade * (3 - 2 * fade)
            lit = lit * (1 - fade) + colour[:, seen] * fade
        colour[:, seen] = lit
    return _display(colour)


def _display(colour: Array) -> Array:
    exposed = np.maximum(colour, 0)
    exposed = exposed * (1 + exposed * 0.18) / (1 + exposed * 0.55)
    return np.power(exposed, np.float32(1 / 2.2))


def _nearest(scene: Scene, rays: Array) -> tuple[Array, NDArray[np.int64]]:
    """Return the distance along each ray (``_FAR`` without a hit) and the part that it hits (-1: the floor)."""
    origin = scene.camera.position
    depth: Array = np.full(rays.shape[1], _FAR, np.float32)
    owner = np.full(rays.shape[1], -1, np.int64)
    if scene.floor is not None:
        falling = rays[1] < -1e-3
        depth[falling] = -origin[1] / rays[1][falling]
        depth[depth > 2 * scene.reach] = _FAR
    for number, part in enumerate(scene.parts):
        offset = np.array(part.centre, np.float32) - origin
        middle = offset @ rays
        reach = part.radius**2 - (float(offset @ offset) - middle**2)
        ids = np.flatnonzero((reach > 0) & (middle > 0))
        if not ids.size:
            continue
        half = np.sqrt(reach[ids])
        start, stop = np.maximum(middle[ids] - half, 0), np.minimum(middle[ids] + half, depth[ids])
        hit, at = march(part.sdf, -(part.rotation.T @ offset), part.rotation.T @ rays[:, ids], start, stop)
        depth[ids[hit]] = at
        owner[ids[hit]] = number
    return depth, owner


def _surface(scene: Scene, rays: Array, depth: Array, owner: NDArray[np.int64]) -> _Surface:
    point = scene.camera.position[:, None] + rays * depth
    normal: Array = np.zeros_like(point)
    albedo: Array = np.zeros_like(point)
    shine: Array = np.full(depth.shape, 0.05, np.float32)
    gloss: Array = np.full(depth.shape, 20, np.float32)
    floor = np.flatnonzero(owner < 0)
    if floor.size and scene.floor is not None:
        normal[1, floor] = 1
        albedo[:, floor] = scene.floor(point[:, floor], normal[:, floor])
    for number, part in enumerate(scene.parts):
        ids = np.flatnonzero(owner == number)
        if ids.size:
            local = part.rotation.T @ (point[:, ids] - np.array(part.centre, np.float32)[:, None])
            slope = gradient(part.sdf, local)
            normal[:, ids] = part.rotation @ slope
            albedo[:, ids] = part.paint(local, slope)
            shine[ids], gloss[ids] = part.shine, part.gloss
    return _Surface(point, normal, albedo, shine, gloss, owner)


def _light(scene: Scene, surface: _Surface, rays: Array) -> Array:
    light = scene.light
    toward = light.direction[:, None]
    facing = np.maximum((surface.normal * toward).sum(0), 0)
    shadow, open_sky = _occlusion(scene, surface, facing > 0)
    up = surface.normal[1] * 0.5 + 0.5
    ambient = (light.ground[:, None] * (1 - up) + light.sky[:, None] * up) * open_sky
    colour = surface.albedo * (light.key[:, None] * (facing * shadow) + ambient)
    half = toward - rays
    half = half / np.sqrt((half**2).sum(0))
    glint = np.maximum((surface.normal * half).sum(0), 0) ** surface.gloss
    edge = (1 - np.abs((surface.normal * rays).sum(0))) ** 4
    colour += light.key[:, None] * (surface.shine * glint * shadow * (facing > 0))
    result: Array = colour + light.sky[:, None] * (surface.shine * edge * open_sky)
    return result


def _occlusion(scene: Scene, surface: _Surface, faces_lamp: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Return the share of lamp and of sky that each point sees, both in [0, 1]."""
    lamp: Array = np.ones(surface.point.shape[1], np.float32)
    sky: Array = np.ones_like(lamp)
    toward = scene.light.direction
    lifted = surface.point + surface.normal * np.float32(0.015)
    if scene.floor is not None:
        height = np.clip(surface.point[1] / (0.5 * scene.reach), 0, 1)
        sky = np.where(surface.normal[1] < 0, 1 + surface.normal[1] * 0.6 * (1 - height), 1).astype(np.float32)
    for number, part in enumerate(scene.parts):
        if not part.shade:
            continue
        others = (surface.owner != number) if part.convex else True
        offset = lifted - np.array(part.centre, np.float32)[:, None]
        squared = (offset**2).sum(0)
        near = np.flatnonzero((squared < (part.radius + 0.3) ** 2) & others)
        if near.size:
            sky[near] *= openness(part, offset[:, near], surface.normal[:, near])
        along = -(toward @ offset)
        reach = (part.radius * 1.12) ** 2 - (squared - along**2)
        ids = np.flatnonzero((reach > 0) & (along > -part.radius) & faces_lamp & others)
        if ids.size:
            half = np.sqrt(reach[ids])
            start, stop = np.maximum(along[ids] - half, 0.01), along[ids] + half
            lamp[ids] *= unshadowed(part, offset[:, ids], toward, start, stop, scene.light.softness)
    return lamp, sky
