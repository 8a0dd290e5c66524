"""Original files by URL: those of a folder of this machine that still have the content that the version knows."""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from dashboards.services.models import registry
from dashboards.services.models.loaded_model import Loaded
from dashboards.services.thumbnails import HEADERS
from dashboards.services.uploads import Turn
from imgsim.decoding.decode import decode, resize
from imgsim.errors import ImageError
from imgsim.images.collection_root import noted_folder
from imgsim.images.read_files import LocalFiles
from imgsim.io.home import home
from imgsim.mlflow.registry import PREFIX

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

ROUTE = "/originals/{token}/{row:int}/{longest:int}.jpg"
FITTED, WHOLE = 2048, 4096
"""Pixels of the longest side, at most: in the details, and in a tab of its own."""
GONE = "The original file is gone from its folder."
CHANGED = "Its file was changed since this version was made."
UNREADABLE = "The original file cannot be read."
_SHAPE = ("width", "height", "orientation")


def original_url(loaded: Loaded, row: int, longest: int = FITTED) -> str:
    """Return the address of a row's original, relative to the page."""
    return f"originals/{loaded.token}/{row}/{longest}.jpg"


def shown_size(loaded: Loaded, row: int, longest: int) -> tuple[int, int]:
    """Return the upright width and height in pixels of a row's original, reduced to ``longest`` a side."""
    width, height, orientation = (int(loaded.model.images.column(name)[row]) for name in _SHAPE)
    scale = min(1.0, longest / max(width, height, 1))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return size if orientation < 5 else size[::-1]


def problem(loaded: Loaded, row: int) -> str | None:
    """Say in one sentence why the original of a row cannot be shown; None where it can, empty if no folder is known."""
    data = _read(loaded, row)
    return data if isinstance(data, str) else None


def picture(loaded: Loaded, row: int, longest: int) -> bytes | None:
    """Return the original of a row as an upright JPEG of at most ``longest`` pixels a side; None where there is none.

    At most two are decoded at a time.
    """
    import simplejpeg

    data = _read(loaded, row)
    if isinstance(data, str):
        return None
    try:
        with Turn():
            width, height = shown_size(loaded, row, longest)
            shown = resize(decode(data, at_least=(height, width)), (height, width))
            return bytes(simplejpeg.encode_jpeg(shown, quality=92, colorsubsampling="444"))
    except (ImageError, MemoryError):
        return None


def _read(loaded: Loaded, row: int) -> bytes | str:
    """Read the file of a row, or say why there is none with the row's content."""
    folder = noted_folder(home(), loaded.name.removeprefix(PREFIX))
    path = loaded.model.images.paths[row]
    if folder is None or PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
        return ""
    try:
        return _checked(loaded, row, folder)
    except (FileNotFoundError, NotADirectoryError):
        return GONE
    except (OSError, ValueError, ImageError):
        return UNREADABLE


def _checked(loaded: Loaded, row: int, folder: Path) -> bytes | str:
    images = loaded.model.images
    path = images.paths[row]
    if (folder / path).stat().st_size != images.column("bytes")[row]:
        return CHANGED
    data = LocalFiles(str(folder)).read(path)[0]
    return data if hashlib.sha256(data).hexdigest() == images.sha256[row] else CHANGED


async def answer(request: Request) -> Response:
    """Answer the route with a JPEG of a file that lies where it was, as it was, else with 404; in a thread."""
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import Response

    loaded = registry.MODELS.known(request.path_params["token"])
    row, longest = request.path_params["row"], request.path_params["longest"]
    if loaded is None or row >= len(loaded) or longest not in (FITTED, WHOLE):
        return Response(status_code=404)
    data = await run_in_threadpool(picture, loaded, row, longest)
    return Response(status_code=404) if data is None else Response(data, media_type="image/jpeg", headers=HEADERS)
