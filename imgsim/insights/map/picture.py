"""Picture of the map: a dot for each image, colored by cluster, with the representatives of clusters on top."""

from __future__ import annotations

import colorsys
from contextlib import suppress
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from imgsim.decoding.decode import decode
from imgsim.errors import ImageError

if TYPE_CHECKING:
    import pandas as pd

    from imgsim.references.references import References

SIDE = 1000  # pixels of the picture
TILE = 56  # pixels of a representative
SHOWN = 40  # representatives at most
_GOLDEN = 0.61803398875
_OVER = 2  # drawn larger, then reduced: smooth dots


def map_picture(references: References) -> bytes:
    """Draw the map of ``references`` as PNG, (`SIDE`, `SIDE`) pixels on a transparent background."""
    points = references.insights["map"].tables["map"]
    place = _positions(points)
    sheet = Image.new("RGBA", (SIDE * _OVER, SIDE * _OVER), (0, 0, 0, 0))
    draw = ImageDraw.Draw(sheet)
    radius = _OVER * float(np.clip(160 / len(points) ** 0.5, 0.8, 6))
    colors = _colors(references, points["row"].to_numpy())
    for (x, y), color in zip(place * _OVER, colors, strict=True):
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=color)
    sheet = sheet.resize((SIDE, SIDE), Image.Resampling.BOX)
    _paste_representatives(sheet, references, dict(zip(points["row"].tolist(), place.tolist(), strict=True)))
    target = BytesIO()
    sheet.quantize(255, method=Image.Quantize.FASTOCTREE).save(target, "PNG", optimize=True)
    return target.getvalue()


def _positions(points: pd.DataFrame) -> NDArray[np.float64]:
    """Return the points in pixels, (n, 2): they fill the picture but a margin, at one scale in both directions."""
    xy = points[["x", "y"]].to_numpy(np.float64)
    low, high = xy.min(axis=0), xy.max(axis=0)
    span = max(float((high - low).max()), 1e-9)
    centered = (xy - (low + high) / 2) / span
    pixels: NDArray[np.float64] = centered * (SIDE - TILE - 8) * np.array([1, -1]) + SIDE / 2
    return pixels


def _colors(references: References, rows: NDArray[np.integer]) -> list[tuple[int, ...]]:
    members = references.insights["clusters"].tables["members"] if "clusters" in references.insights else None
    group = np.zeros(len(references), np.int64)
    if members is not None:
        group[members["row"]] = members["cluster"]
    return [_color(int(number)) for number in group[rows]]


def _color(number: int) -> tuple[int, ...]:
    """Return a color that is legible on white and on black and differs from those of near numbers."""
    red, green, blue = colorsys.hls_to_rgb((0.6 + number * _GOLDEN) % 1, 0.55, 0.62)
    return (round(red * 255), round(green * 255), round(blue * 255), 255)


def _paste_representatives(sheet: Image.Image, references: References, place: dict[int, list[float]]) -> None:
    """Paste pictures of the biggest clusters that do not overlap."""
    if "clusters" not in references.insights:
        return
    clusters = references.insights["clusters"].tables["clusters"]
    taken: list[tuple[float, float]] = []
    chosen: list[int] = []
    for row in clusters["row"].tolist():
        x, y = place[row]
        if len(chosen) < SHOWN and all(max(abs(x - a), abs(y - b)) > TILE + 4 for a, b in taken):
            taken.append((x, y))
            chosen.append(row)
    for data, (x, y), row in zip(references.thumbnails(chosen), taken, chosen, strict=True):
        with suppress(ImageError):  # of a damaged model
            tile = Image.fromarray(decode(data or b""))
            tile.thumbnail((TILE - 4, TILE - 4))
            framed = Image.new("RGBA", (tile.width + 4, tile.height + 4), _frame(references, row))
            framed.paste(tile, (2, 2))
            sheet.paste(framed, (round(x - framed.width / 2), round(y - framed.height / 2)))


def _frame(references: References, row: int) -> tuple[int, ...]:
    return _colors(references, np.array([row]))[0]
