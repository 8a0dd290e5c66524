"""Cache of results: no result is computed twice, whether by ``imgsim run`` or by Dagster.

A result is the folder ``<home>/collections/<collection>/<asset>/<key>``. The key is a digest of the version of the
code, the digests of the inputs and the relevant configuration. A folder that exists is complete, because it is written
under another name and then renamed. It is loaded; a result that is missing, damaged or no longer valid is computed and
saved.
A damaged one is kept as ``<key>.damaged``. An error that says nothing about the result, such as too many open files, is
raised.
"""

import hashlib
import json
import os
import shutil
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import imgsim
from imgsim.errors import ImgsimError, ModelFormatError, StoreError
from imgsim.features.extract import Features
from imgsim.features.store import FeatureStore
from imgsim.images.table import ImageTable
from imgsim.insights.registry import load_insight
from imgsim.io.atomic import DAMAGED, atomic_folder, atomic_path, set_aside, sweep
from imgsim.io.error_text import temporary_cause
from imgsim.io.hashing import file_sha256
from imgsim.references.insight import Insight

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL.Image import Image

Value = TypeVar("Value")
Drawing = TypeVar("Drawing")

KEPT = 3
PICTURES = ".pictures"
_CURRENT = "current.json"


@cache
def library_version() -> str:
    """Return the version of imgsim and a digest of its source: results of other code are not reused."""
    root = Path(imgsim.__file__).parent
    sources = "".join(
        f"{file_sha256(path)} {path.relative_to(root).as_posix()}\n" for path in sorted(root.rglob("*.py"))
    )
    return f"{imgsim.__version__}-{hashlib.sha256(sources.encode()).hexdigest()[:12]}"


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
            outdated = _inode(self.folder)
            self.value = compute()
            if _inode(self.folder) == outdated:  # else another run was faster, or the function wrote it
                with atomic_folder(self.folder, overwrite=outdated is not None, or_keep=True) as temporary:
                    save(self.value, temporary)
        return self.value

    def _load(self, valid: Callable[[Value], bool]) -> bool:
        if not self.folder.is_dir():
            return False
        try:
            self.value = load(self.kind, self.folder, self.store)
        except StoreError:
            raise
        except (ImgsimError, OSError, ValueError, KeyError) as error:
            if (cause := temporary_cause(error)) is not None:
                raise cause from error
            warnings.warn(
                f"the result {self.folder} cannot be used: {error} It is kept as {set_aside(self.folder)}; a new one "
                "is computed.",
                stacklevel=3,
            )
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
    others = [
        path
        for path in asset_folder.iterdir()
        if path.is_dir() and not path.name.startswith(".") and path.suffix != DAMAGED and path.name != key
    ]
    for old in sorted(others, key=_modified, reverse=True)[KEPT - 1 :]:
        shutil.rmtree(old, ignore_errors=True)
        shutil.rmtree(old.with_suffix(DAMAGED), ignore_errors=True)
        shutil.rmtree(asset_folder / PICTURES / old.name, ignore_errors=True)


def _inode(folder: Path) -> int | None:
    try:
        return folder.stat().st_ino
    except FileNotFoundError:
        return None


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
        There is none yet, or its name is damaged.
    """
    advice = f"materialise {asset_folder.name} of {asset_folder.parent.name}"
    try:
        key = json.loads((asset_folder / _CURRENT).read_text())["key"]
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ModelFormatError(f"{asset_folder} holds no result yet; {advice} first.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ModelFormatError(f"{asset_folder / _CURRENT} is damaged: {error!r}; {advice} again.") from error
    return asset_folder / str(key)
