"""Pictures of a result, drawn once and kept beside it, because drawing costs more than loading the result."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from imgsim.io.atomic import atomic_path

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL import Image

FOLDER = ".pictures"


def sheet(asset_folder: Path, key: str, name: str, draw: "Callable[[], Image.Image]") -> Path:
    """JPEG of a sheet of photos that belongs to the result ``key``."""

    def render() -> bytes:
        buffer = BytesIO()
        draw().convert("RGB").save(buffer, "JPEG", quality=82)
        return buffer.getvalue()

    return _kept(asset_folder / FOLDER / key / f"{name}.jpg", render)


def plot(asset_folder: Path, key: str, name: str, draw: "Callable[[], Figure]") -> Path:
    """PNG of a plot that belongs to the result ``key``."""

    def render() -> bytes:
        buffer = BytesIO()
        draw().savefig(buffer, format="png", dpi=90)
        return buffer.getvalue()

    return _kept(asset_folder / FOLDER / key / f"{name}.png", render)


def _kept(path: Path, render: Callable[[], bytes]) -> Path:
    if not path.exists():
        content = render()
        with atomic_path(path) as temporary:
            temporary.write_bytes(content)
    return path
