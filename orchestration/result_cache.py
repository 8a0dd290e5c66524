"""Cache of results: no result is computed twice, whether by ``imgsim run`` or by Dagster.

A result is the folder ``<home>/collections/<collection>/<asset>/<key>``. The key is a digest of the code version, the
digests of the inputs and the relevant configuration. A folder that exists is complete, because it is written under
another name and then renamed. It is loaded; a result that is missing, damaged or no longer valid is computed and saved.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from imgsim.errors import ImgsimError, ModelFormatError
from imgsim.features.extract import Features
from imgsim.features.store import FeatureStore
from imgsim.images.table import ImageTable
from imgsim.insights.registry import load_insight
from imgsim.io.atomic import atomic_folder, atomic_path, sweep
from imgsim.references.insight import Insight

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL.Image import Image

Value = TypeVar("Value")
Drawing = TypeVar("Drawing")

KEPT = 3
PICTURES = ".pictures"
_CURRENT = "current.json"


def reuse_key(asset: str, code_version: str, *parts: Any) -> str:
    """Return the hexadecimal key of a result; ``parts`` (JSON-ready) are all it depends on."""
    content = json.dumps([asset, code_version, *parts], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:32]


@dataclass
class Entry(Generic[Value]):
    """One result: its ``folder``, and after `get` its ``value`` and whether it was ``reused``."""

    folder: Path
    kind: type[Value]
    store: FeatureStore
    reused: bool = False
    value: Value = field(init=False)

    @property
    def key(self) -> str:
        """Name of the folder; see `reuse_key`."""
        return self.folder.name

    @property
    def asset(self) -> str:
        """Name of the asset that the result belongs to."""
        return self.folder.parent.name

    def get(self, compute: Callable[[], Value], valid: Callable[[Value], bool] = lambda _: True) -> Value:
        """Return the stored value, or compute and save it.

        Parameters
        ----------
        compute : callable
            Returns the value. It may write ``folder`` itself, atomically.
        valid : callable
            False for a stored value that must be computed again.
        """
        self.reused = self._load(valid)
        if not self.reused:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.value = compute()
            if not self.folder.exists():
                with atomic_folder(self.folder, or_keep=True) as temporary:  # another run may be faster
                    save(self.value, temporary)
        return self.value

    def _load(self, valid: Callable[[Value], bool]) -> bool:
        if not self.folder.is_dir():
            return False
        try:
            self.value = load(self.kind, self.folder, self.store)
        except (ImgsimError, OSError, ValueError, KeyError):
            return False
        return valid(self.value)

    def sheet(self, name: str, draw: "Callable[[], Image]") -> Path:
        """Return the JPEG of a sheet of photos, drawn once: drawing costs more than loading the result."""
        return self._picture(f"{name}.jpg", draw, lambda image, path: image.convert("RGB").save(path, quality=82))

    def plot(self, name: str, draw: "Callable[[], Figure]") -> Path:
        """Return the PNG of a plot, drawn once."""
        return self._picture(f"{name}.png", draw, lambda figure, path: figure.savefig(path, dpi=90))

    def _picture(self, name: str, draw: Callable[[], Drawing], write: Callable[[Drawing, Path], object]) -> Path:
        path = self.folder.parent / PICTURES / self.key / name
        if not path.exists():
            drawn = draw()
            with atomic_path(path) as temporary:
                write(drawn, temporary)
        return path


def save(value: Any, folder: Path) -> None:
    """Write a result into ``folder``."""
    if isinstance(value, ImageTable):
        value.save(folder / "images.parquet")
        value.save_rejected(folder / "rejected.parquet")
    else:
        value.save(folder)


def load(kind: type[Value], folder: Path, store: FeatureStore) -> Value:
    """Read what `save` wrote; every reader checks schema and completeness."""
    readers: dict[Any, Callable[[], Any]] = {
        ImageTable: lambda: ImageTable.load(folder / "images.parquet"),
        Features: lambda: Features.load(folder, store),
        Insight: lambda: load_insight(folder),
    }
    read: Callable[[], Value] = readers.get(kind, lambda: kind.load(folder))  # type: ignore[attr-defined]
    return read()


def point(asset_folder: Path, key: str) -> None:
    """Make ``key`` the asset's current result; remove all but the last few others and leftovers of killed runs."""
    with atomic_path(asset_folder / _CURRENT) as path:
        path.write_text(json.dumps({"key": key}))
    os.utime(asset_folder / key)
    sweep(asset_folder)
    others = [p for p in asset_folder.iterdir() if p.is_dir() and not p.name.startswith(".") and p.name != key]
    for old in sorted(others, key=_modified, reverse=True)[KEPT - 1 :]:
        shutil.rmtree(old, ignore_errors=True)
        shutil.rmtree(asset_folder / PICTURES / old.name, ignore_errors=True)


def _modified(folder: Path) -> int:
    try:
        return folder.stat().st_mtime_ns
    except FileNotFoundError:  # another run removed it
        return 0


def current(asset_folder: Path) -> Path:
    """Return the folder of the asset's current result.

    Raises
    ------
    ModelFormatError
        There is none yet.
    """
    try:
        key = json.loads((asset_folder / _CURRENT).read_text())["key"]
    except (OSError, ValueError, KeyError) as error:
        raise ModelFormatError(
            f"{asset_folder} holds no result yet; materialise {asset_folder.name} of {asset_folder.parent.name} first."
        ) from error
    return asset_folder / str(key)
