"""The map of a collection: places and colours for the browser as compact files, and the images of an area.

Coordinates and codes are fetched once, from addresses that name their content, and kept by the browser: no rerun of the
page sends them again.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dashboards.services.filters import Filters, mask
from dashboards.services.format import visible
from dashboards.services.models import registry
from dashboards.services.models.cache import per_model
from dashboards.services.models.loaded_model import Loaded
from dashboards.services.thumbnails import HEADERS
from dashboards.views.map.coloring import colored, colored_then, entry_of, state_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

FILES = "/maps/{token}/{name}.bin"
NAMES = "/maps/{token}/{row:int}.json"
POINTS = "points"
STEPS = 10_000
"""Areas are written in whole steps: 0 to 10000 from left to right and from bottom to top."""
MOST_CORNERS = 100
_AREA = re.compile(r"\d{1,5}\.\d{1,5}(?:~\d{1,5}\.\d{1,5})*")
_VIEW = re.compile(r"\d{1,5}\.\d{1,5}\.\d{1,6}")
_LARGEST = np.iinfo(np.uint16).max

Corners = NDArray[np.float64]


@per_model(most=1)
def places(loaded: Loaded) -> NDArray[np.float32] | None:
    """Read the places (n, 2) in the plane, 0 to 1 from left to right and from bottom to top; None without a map."""
    insight = loaded.insight("map")
    if insight is None:
        return None
    table = insight.tables["map"]
    found = np.full((len(loaded), 2), 0.5, np.float32)
    found[table["row"].to_numpy()] = (table[["x", "y"]].to_numpy(np.float32) + 1) / 2
    return np.clip(found, 0, 1)


def file(loaded: Loaded, name: str) -> bytes | None:
    """Make a file for the browser: ``points`` (x and y of each image) or the codes of a colouring, as uint16.

    A colouring that people change is named with its state: ``cluster-1a2b3c4d``.
    """
    if name == POINTS:
        found = places(loaded)
        return None if found is None else np.rint(found * _LARGEST).astype("<u2").tobytes()
    coloring = colored_then(loaded, *name.partition("-")[::2])
    return None if coloring is None else coloring.codes.astype("<u2").tobytes()


def answer(request: Request) -> Response:
    """Answer the routes `FILES` and `NAMES` of a model in memory, else with 404."""
    from starlette.responses import JSONResponse, Response

    loaded = registry.MODELS.known(request.path_params["token"])
    if loaded is not None and "row" in request.path_params:
        row = request.path_params["row"]
        if row < len(loaded):
            images = loaded.model.images
            label = images.labels[row]
            words = {"path": visible(images.paths[row]), "label": None if label is None else visible(label)}
            return JSONResponse(words, headers=HEADERS)
    elif loaded is not None:
        data = file(loaded, request.path_params["name"])
        if data is not None:
            return Response(data, media_type="application/octet-stream", headers=HEADERS)
    return Response(status_code=404)


def addresses(loaded: Loaded, coloring: str) -> dict[str, str]:
    """Return the addresses of points, codes, names and thumbnails, relative to the page."""
    base = f"maps/{loaded.token}"
    return {
        "points": f"{base}/{POINTS}.bin",
        "codes": f"{base}/{'-'.join(filter(None, (coloring, state_of(coloring))))}.bin",
        "names": f"{base}/",
        "thumbnails": f"thumbnails/{loaded.token}/",
    }


def parse_area(text: str) -> Corners | None:
    """Read the corners (m, 2), 0 to 1, of an area as in the URL, ``x.y~x.y~x.y``; None when it is none."""
    if not _AREA.fullmatch(text):
        return None
    corners = np.array([pair.split(".") for pair in text.split("~")[:MOST_CORNERS]], np.float64) / STEPS
    corners = np.where(corners <= 0, -0.01, np.where(corners >= 1, 1.01, corners))  # images lie on the border, too
    return corners if len(corners) > 2 else None


def valid_view(text: str) -> str:
    """Check the part of the map that is shown, ``x.y.zoom``; empty when it is none."""
    return text if _VIEW.fullmatch(text) else ""


def inside_polygon(points: NDArray[np.float32], corners: Corners) -> NDArray[np.bool_]:
    """Return (n,) bool, whether points lie inside a polygon, by the even-odd rule."""
    inside = np.zeros(len(points), bool)
    near = np.flatnonzero(((points >= corners.min(axis=0)) & (points <= corners.max(axis=0))).all(axis=1))
    x, y = points[near, 0].astype(np.float64), points[near, 1].astype(np.float64)
    odd = np.zeros(len(near), bool)
    for (x1, y1), (x2, y2) in zip(corners, np.roll(corners, 1, axis=0), strict=True):
        crosses = (y1 > y) != (y2 > y)
        odd ^= crosses & (x < (x2 - x1) * (y - y1) / ((y2 - y1) or 1.0) + x1)
    inside[near] = odd
    return inside


def rows_in_area(loaded: Loaded, area: str, filters: Filters, coloring: str, only: str) -> NDArray[np.int64]:
    """Return rows in an area (empty: anywhere) that pass filters and legend; the highest figure first, or by row."""
    return _rows_in_area(loaded, area, filters, coloring, only, state_of(coloring))


@per_model(most=16)
def _rows_in_area(
    loaded: Loaded, area: str, filters: Filters, coloring: str, only: str, state: str
) -> NDArray[np.int64]:
    points, corners = places(loaded), parse_area(area)
    if points is None or (area and corners is None):
        return np.empty(0, np.int64)
    keep = mask(loaded, filters).copy() if corners is None else inside_polygon(points, corners) & mask(loaded, filters)
    colors = colored(loaded, coloring)
    if colors is None:
        return np.flatnonzero(keep)
    if only:
        keep &= entry_of(colors, colors.codes) == colors.position(only)
    rows = np.flatnonzero(keep)
    if colors.values is None:
        return rows
    return rows[np.argsort(-colors.values[rows], kind="stable")]


def bits(flags: NDArray[np.bool_]) -> bytes:
    """Pack flags of rows, eight to a byte, the first in the lowest bit."""
    return np.packbits(flags, bitorder="little").tobytes()
