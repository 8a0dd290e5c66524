"""Copies and spoilt pictures planted in a collection, so that what is found can be compared with the truth."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

Transform = Callable[[Image.Image], bytes]
_ORIENTATION, _TURNED_RIGHT = 0x0112, 6


def jpeg(picture: Image.Image, quality: int = 90, **options: object) -> bytes:
    """Encode as a JPEG file."""
    target = io.BytesIO()
    picture.save(target, "JPEG", quality=quality, **options)
    return target.getvalue()


def _half(picture: Image.Image) -> bytes:
    return jpeg(picture.resize((max(1, picture.width // 2), max(1, picture.height // 2)), Image.Resampling.LANCZOS))


def _crop(picture: Image.Image) -> bytes:
    """5 % of the width and of the height cut away, at one corner."""
    x, y = round(picture.width * 0.05), round(picture.height * 0.05)
    return jpeg(picture.crop((x, y, picture.width, picture.height)))


def _exif(picture: Image.Image) -> bytes:
    exif = Image.Exif()
    exif[_ORIENTATION] = _TURNED_RIGHT
    return jpeg(picture.transpose(Image.Transpose.ROTATE_90), exif=exif)


def _watermark(picture: Image.Image) -> bytes:
    """White letters, half transparent, across the middle: a tenth of the height."""
    layer = Image.new("L", picture.size, 0)
    draw = ImageDraw.Draw(layer)
    at = (picture.width / 2, picture.height / 2)
    draw.text(at, "© SAMPLE PHOTO", fill=128, anchor="mm", font_size=max(8, picture.height // 10))
    marked = picture.copy()
    marked.paste(Image.new("RGB", picture.size, "white"), mask=layer)
    return jpeg(marked)


def _border(picture: Image.Image) -> bytes:
    return jpeg(ImageOps.expand(picture, border=max(2, round(0.04 * max(picture.size))), fill="white"))


COPIES: dict[str, Transform] = {
    "reencode_q50": lambda picture: jpeg(picture, 50),
    "resize_half": _half,
    "crop_5": _crop,
    "rotate_90_exif": _exif,
    "rotate_90_pixels": lambda picture: jpeg(picture.transpose(Image.Transpose.ROTATE_90)),
    "mirror": lambda picture: jpeg(ImageOps.mirror(picture)),
    "brightness": lambda picture: jpeg(ImageEnhance.Brightness(picture).enhance(1.25)),
    "watermark": _watermark,
    "border": _border,
}
"""One picture, changed as people change pictures."""

MUST_BE_FOUND = ("reencode_q50", "resize_half", "rotate_90_exif")
ON_REQUEST = {"mirror": "flips", "rotate_90_pixels": "rotations"}


def _low_information(picture: Image.Image) -> bytes:
    mean = tuple(int(value) for value in np.asarray(picture).mean((0, 1)))
    return jpeg(Image.new("RGB", picture.size, mean))


def _narrow(picture: Image.Image) -> bytes:
    height = max(2, picture.height // 8)
    top = (picture.height - height) // 2
    return jpeg(picture.crop((0, top, picture.width, top + height)))


FAULTS: dict[str, Transform] = {
    "blurry": lambda picture: jpeg(picture.filter(ImageFilter.GaussianBlur(max(picture.size) / 60))),
    "dark": lambda picture: jpeg(ImageEnhance.Brightness(picture).enhance(0.12)),
    "bright": lambda picture: jpeg(Image.blend(picture, Image.new("RGB", picture.size, "white"), 0.88)),
    "low_information": _low_information,
    "odd_aspect": _narrow,
    "odd_size": lambda picture: jpeg(picture.resize((max(1, picture.width // 8), max(1, picture.height // 8)))),
}
"""One picture, spoilt; the name is the issue that should be reported."""


def plant(paths: Sequence[Path], folder: Path, kinds: dict[str, Transform]) -> list[tuple[Path, int, str]]:
    """Write every picture of ``paths`` in every kind as ``<folder>/<kind>/<number>.jpg``.

    Returns
    -------
    list of (path, number, kind)
        The new files, and the position in ``paths`` of the picture each was made from.
    """
    made = []
    for kind, transform in kinds.items():
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for number, source in enumerate(paths):
            path = folder / kind / f"{number:04d}.jpg"
            if not path.exists():
                with Image.open(source) as opened:
                    path.write_bytes(transform(ImageOps.exif_transpose(opened).convert("RGB")))
            made.append((path, number, kind))
    return made
