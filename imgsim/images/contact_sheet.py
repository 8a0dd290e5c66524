"""Contact sheets: a grid of thumbnails with captions, and rows of queries with their neighbours."""

from bisect import bisect_right
from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from imgsim import arguments
from imgsim.decoding.decode import decode
from imgsim.errors import ArgumentError, ImageError
from imgsim.images.caption_font import caption_font

Picture = bytes | Image.Image | NDArray[np.uint8] | None

GAP = 8
LONGEST_CAPTION = 1000  # characters
MAX_PIXELS = 256_000_000
FRAME = 4
BACKGROUND = (255, 255, 255)
INK = (40, 40, 40)
EMPTY = (232, 232, 232)
GOOD = (0, 125, 60)
BAD = (200, 30, 30)


def contact_sheet(
    thumbs: Sequence[Picture], captions: Sequence[str] | None = None, columns: int = 5, size: int = 160
) -> Image.Image:
    """Draw pictures in a grid, each fitted into a square tile.

    Parameters
    ----------
    thumbs : sequence of bytes, PIL image, array (H, W, 3) uint8, or None
        None, or bytes that cannot be decoded, give an empty tile with a cross.
    captions : sequence of str, optional
        One line below each tile, cut to its width.
    columns : int
        Tiles per row.
    size : int
        Side of a tile in pixels.

    Returns
    -------
    PIL.Image.Image
        Mode RGB.

    Raises
    ------
    ArgumentError
        ``columns`` or ``size`` below 1, another number of captions than pictures, or a sheet of more than 256
        megapixels.
    """
    columns, size = arguments.positive_int(columns, "columns"), arguments.positive_int(size, "size")
    if captions is not None and len(captions) != len(thumbs):
        raise ArgumentError(f"there are {len(captions)} captions for {len(thumbs)} pictures.")
    text = _text_height(size) if captions is not None else 0
    rows = max(1, -(-len(thumbs) // columns))
    width = max(1, min(columns, len(thumbs)))
    sheet = _blank(GAP + width * (size + GAP), GAP + rows * (size + text + GAP))
    for i, thumb in enumerate(thumbs):
        corner = (GAP + i % columns * (size + GAP), GAP + i // columns * (size + text + GAP))
        _draw_tile(sheet, corner, thumb, captions[i] if captions is not None else "", size)
    return sheet


def neighbor_sheet(
    rows: Sequence[tuple[Picture, Sequence[tuple[Picture, str, bool | None]]]], size: int = 120
) -> Image.Image:
    """Draw one row per query: the query, then its neighbours.

    Parameters
    ----------
    rows : sequence of (query, neighbours)
        Each neighbour is (picture, caption, good). ``good`` true gives a green frame with a tick,
        false a red frame with a cross, None no mark.
    size : int
        Side of a tile in pixels.

    Returns
    -------
    PIL.Image.Image
        Mode RGB.
    """
    text = _text_height(size)
    most = max((len(neighbours) for _, neighbours in rows), default=0)
    start = GAP + size + 3 * GAP  # a gap between the query and its neighbours
    sheet = _blank(start + most * (size + GAP), GAP + max(1, len(rows)) * (size + text + GAP))
    for i, (query, neighbours) in enumerate(rows):
        top = GAP + i * (size + text + GAP)
        _draw_tile(sheet, (GAP, top), query, "query", size)
        for j, (thumb, caption, good) in enumerate(neighbours):
            corner = (start + j * (size + GAP), top)
            _draw_tile(sheet, corner, thumb, caption, size)
            if good is not None:
                _draw_verdict(sheet, corner, good, size)
    return sheet


def _blank(width: int, height: int) -> Image.Image:
    if width * height > MAX_PIXELS:
        raise ArgumentError(
            f"a sheet of {width:,} x {height:,} pixels is too large; draw fewer pictures, or smaller ones."
        )
    return Image.new("RGB", (width, height), BACKGROUND)


def _draw_tile(sheet: Image.Image, corner: tuple[int, int], thumb: Picture, caption: str, size: int) -> None:
    left, top = corner
    draw = ImageDraw.Draw(sheet)
    picture = _to_image(thumb)
    if picture is None:
        draw.rectangle((left, top, left + size - 1, top + size - 1), fill=EMPTY)
        third = size // 3
        draw.line((left + third, top + third, left + size - third, top + size - third), fill=INK, width=2)
        draw.line((left + size - third, top + third, left + third, top + size - third), fill=INK, width=2)
    else:
        picture.thumbnail((size, size))
        sheet.paste(picture, (left + (size - picture.width) // 2, top + (size - picture.height) // 2))
    if caption:
        font, text = caption_font(" ".join(str(caption).split())[:LONGEST_CAPTION], _font_size(size))
        draw.text((left, top + size + 2), _fit(text, font, size), fill=INK, font=font)


def _draw_verdict(sheet: Image.Image, corner: tuple[int, int], good: bool, size: int) -> None:
    """Draw a frame and a tick or cross in the corner, so that colour is not the only sign."""
    left, top = corner
    color = GOOD if good else BAD
    draw = ImageDraw.Draw(sheet)
    draw.rectangle((left, top, left + size - 1, top + size - 1), outline=color, width=FRAME)
    side = max(16, size // 6)
    draw.rectangle((left, top, left + side, top + side), fill=color)
    points = [(0.2, 0.5), (0.42, 0.75), (0.8, 0.25)] if good else [(0.25, 0.25), (0.75, 0.75)]
    strokes = [points] if good else [points, [(0.75, 0.25), (0.25, 0.75)]]
    for stroke in strokes:
        line = [(left + x * side, top + y * side) for x, y in stroke]
        draw.line(line, fill=BACKGROUND, width=max(2, side // 8))


def _to_image(thumb: Picture) -> Image.Image | None:
    """Copy a picture in any accepted form as an RGB image; None if it cannot be shown."""
    if isinstance(thumb, bytes):
        try:
            return Image.fromarray(decode(thumb))
        except ImageError:
            return None
    if isinstance(thumb, np.ndarray):
        return Image.fromarray(thumb)
    return thumb.convert("RGB").copy() if isinstance(thumb, Image.Image) else None


def _text_height(size: int) -> int:
    return _font_size(size) + 6


def _font_size(size: int) -> int:
    return max(9, min(13, size // 10))


def _fit(text: str, font: Any, width: int) -> str:
    """Cut a line to ``width`` pixels."""
    if font.getlength(text) <= width:
        return text
    fitting = bisect_right(range(1, len(text)), width, key=lambda length: font.getlength(text[:length] + "..."))
    return text[:fitting] + "..."


def to_png(sheet: Image.Image) -> bytes:
    """Encode a sheet as a PNG file."""
    buffer = BytesIO()
    sheet.save(buffer, "PNG")
    return buffer.getvalue()
