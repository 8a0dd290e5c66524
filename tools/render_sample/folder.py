"""Folder of the sample: ``<folder>/<kind>/<kind>_00.jpg``, written atomically."""

import io
import json
import zlib
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.progress import track

from imgsim.errors import ArgumentError
from imgsim.io.atomic import atomic_folder
from imgsim.sample.unpack import MARKER
from tools.render_sample.arrangements import ARRANGEMENTS
from tools.render_sample.messy import add_messy
from tools.render_sample.scenery import stage
from tools.render_sample.shading import render
from tools.render_sample.solids import SOLIDS
from tools.render_sample.textures import TEXTURES, relief

KINDS: tuple[str, ...] = tuple(sorted([*SOLIDS, *TEXTURES, *ARRANGEMENTS]))
_SHAPES = ((192, 144), (184, 138), (168, 126), (160, 160), (138, 184), (200, 150))
"""Width and height of the pictures, in turn."""


def render_sample(
    folder: Path | str,
    views: int = 20,
    seed: int = 0,
    kinds: Sequence[str] | None = None,
    size: int | None = None,
    messy: bool = True,
    progress: bool = False,
) -> Path:
    """Render the sample collection: ``views`` pictures of each kind, in one folder per kind.

    The same arguments give the same bytes on the same versions of NumPy and Pillow, and a picture does not depend on
    which others are drawn.

    Parameters
    ----------
    folder : Path or str
        A new folder; parents are created.
    views : int
        Pictures per kind, 1 to 100.
    seed : int
        Any number from 0 on; other seeds give other pictures.
    kinds : sequence of str, optional
        Some of ``KINDS``; all by default.
    size : int, optional
        Longer side in pixels (32 to 1024); by default it varies from 160 to 200.
    messy : bool
        Also write the six ``MESSY`` files: three that cannot be read and three that repeat a picture.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ArgumentError
        An argument outside its domain, or ``folder`` exists.
    """
    target = Path(folder)
    chosen = _checked(views, seed, kinds, size)
    with atomic_folder(target) as temporary:
        for kind, view in track(list(product(chosen, range(views))), "rendering the sample", disable=not progress):
            path = temporary / kind / f"{kind}_{view:02d}.jpg"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(encode(draw(kind, view, seed, size)))
        if messy:
            add_messy(temporary, chosen)
        recipe = {"views": views, "seed": seed, "kinds": list(chosen), "size": size, "messy": messy}
        (temporary / MARKER).write_text(json.dumps(recipe, indent=2) + "\n")
    return target


def draw(kind: str, view: int, seed: int = 0, size: int | None = None) -> NDArray[np.uint8]:
    """Draw one picture, uint8 RGB (height, width, 3)."""
    rng = np.random.default_rng([seed, zlib.crc32(kind.encode()), view])
    width, height = _SHAPES[int(rng.integers(len(_SHAPES)))]
    if size is not None:
        scale = size / max(width, height)
        width, height = round(width * scale), round(height * scale)
    if kind in TEXTURES:
        return relief(rng, TEXTURES[kind], width, height)
    builder = SOLIDS.get(kind) or ARRANGEMENTS[kind]
    return render(stage(rng, builder(rng), width, height))


def encode(picture: NDArray[np.uint8]) -> bytes:
    """Encode a picture as JPEG of quality 88 without colour subsampling."""
    target = io.BytesIO()
    Image.fromarray(picture).save(target, "JPEG", quality=88, subsampling=0)
    return target.getvalue()


def _checked(views: int, seed: int, kinds: Sequence[str] | None, size: int | None) -> tuple[str, ...]:
    if not 1 <= views <= 100:
        raise ArgumentError(f"views is {views}; a sample has 1 to 100 pictures of each kind.")
    if seed < 0:
        raise ArgumentError(f"seed is {seed}; use 0 or a positive number.")
    if size is not None and not 32 <= size <= 1024:
        raise ArgumentError(f"size is {size}; the longer side of a picture is 32 to 1024 pixels.")
    chosen = KINDS if kinds is None else tuple(dict.fromkeys(kinds))
    unknown = [kind for kind in chosen if kind not in KINDS]
    if unknown or not chosen:
        raise ArgumentError(
            f"kinds are {list(chosen)}, of which {unknown} are unknown; choose from {', '.join(KINDS)}."
        )
    return chosen
