"""Colours of 16 bits a sample, of which Pillow keeps the upper 8: small ranges and a transparent colour need all 16."""

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.ImageFile import ImageFile
from PIL.TiffImagePlugin import TiffImageFile

from imgsim.decoding.depth import FULL_SCALE, levels, scale

_COLORS = ("RGB", "RGBX", "RGBA")
_SWAPPED = {"16B": "16L", "16L": "16B", "16N": "16B" if sys.byteorder == "little" else "16L"}
_GRAY_ALPHA = "LA;16B"
_PLANAR = 284  # TIFF tag
_NARROW = 16  # upper bytes that span more than this span more than 12 bits
_STRIP = 1_000_000  # pixels

Box = tuple[int, int, int, int]


def has_deep_colors(image: Image.Image) -> bool:
    """Tell if an opened image, not yet loaded, stores its colours together, in 16 bits a sample."""
    in_planes = isinstance(image, TiffImageFile) and image.tag_v2.get(_PLANAR, 1) != 1
    return not in_planes and isinstance(image, ImageFile) and bool(image.tile) and _swapped(image.tile[0]) is not None


def load_lower_bytes(image: Image.Image) -> Image.Image:
    """Load an opened image of deep colours with the lower byte of each sample instead of the upper."""
    assert isinstance(image, ImageFile)
    in_gray = _rawmode(image.tile[0]) == _GRAY_ALPHA
    image.tile = [tile._replace(args=_swapped(tile)) for tile in image.tile]
    image.load()
    return Image.merge("RGB", [image.getchannel(1)] * 3) if in_gray else image


def _rawmode(tile: Any) -> str:
    return str(tile.args[0] if isinstance(tile.args, tuple) else tile.args)


def _swapped(tile: Any) -> str | tuple[Any, ...] | None:
    """Return the arguments of Pillow's decoder for samples of the other byte order; None unless of deep colours."""
    colors, _, depth = _rawmode(tile).partition(";")
    if _rawmode(tile) == _GRAY_ALPHA:
        swapped = "RGBA"  # Pillow has no other: the four bytes of a pixel, the second of which is wanted
    elif colors in _COLORS and depth in _SWAPPED:
        swapped = f"{colors};{_SWAPPED[depth]}"
    else:
        return None
    return (swapped, *tile.args[1:]) if isinstance(tile.args, tuple) else swapped


def needs_lower_bytes(upper: Image.Image) -> bool:
    """Tell if the upper bytes of a loaded RGB or RGBA image do not do: a small range, or a transparent colour."""
    if isinstance(upper.info.get("transparency"), tuple):
        return True
    bands = upper.getextrema()[:3]
    return bool(max(high for _, high in bands) - min(low for low, _ in bands) <= _NARROW)  # type: ignore[misc]


def merge_bytes(upper: Image.Image, lower: Image.Image) -> Image.Image:
    """Scale colours in two bytes to 8 bits as `imgsim.decoding.depth.levels` says; a transparent colour becomes white.

    ``upper`` is changed in place, to save memory, and returned.
    """
    ranges = [(values.min(), values.max()) for _, values in _strips(upper, lower)]
    black, white = levels(min(low for low, _ in ranges), max(high for _, high in ranges))
    key = upper.info.pop("transparency", None)
    if (black, white) == (0, FULL_SCALE) and key is None:
        return upper
    for box, values in _strips(upper, lower):
        shown = scale(values, black, white).astype(np.uint8)
        if key is not None:
            shown[(values == key).all(axis=2)] = 255
        strip = Image.fromarray(shown)
        if upper.mode == "RGBA":
            strip.putalpha(upper.crop(box).getchannel("A"))
        upper.paste(strip, box)
    return upper


def _strips(upper: Image.Image, lower: Image.Image) -> Iterator[tuple[Box, NDArray[np.uint16]]]:
    rows = max(1, _STRIP // upper.width)
    for top in range(0, upper.height, rows):
        box = (0, top, upper.width, min(upper.height, top + rows))
        high, low = (np.asarray(image.crop(box))[..., :3].astype(np.uint16) for image in (upper, lower))
        yield box, (high << 8 | low).astype(np.uint16)
