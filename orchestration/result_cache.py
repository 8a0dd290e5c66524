"""Unchanged is not recomputed, however a run is launched.

The output of a stage lies in ``<home>/collections/<collection>/<asset>/<key>``. The key covers the
code version, the digests of the inputs and the configuration that matters, so a complete folder under
the key *is* the result. Folders become visible by one rename: what exists is complete.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from imgsim.errors import ImgsimError, ModelFormatError
from imgsim.io.atomic import atomic_path, sweep
from orchestration.plot_cache import FOLDER

Value = TypeVar("Value")

KEPT = 3
_CURRENT = "current.json"


def reuse_key(asset: str, code_version: str, *parts: Any) -> str:
    """Hexadecimal key of a result from everything (JSON-ready) it depends on."""
    content = json.dumps([asset, code_version, *parts], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def load_or_compute(
    folder: Path,
    load: Callable[[Path], Value],
    compute: Callable[[], Value],
    valid: Callable[[Value], bool] = lambda _: True,
) -> tuple[Value, bool]:
    """The value stored in ``folder`` and True, or a computed one and False.

    What is stored but damaged or no longer ``valid`` is removed, so that the new value takes its place.
    """
    if folder.is_dir():
        try:
            value = load(folder)
            if valid(value):
                return value, True
        except (ImgsimError, OSError, ValueError, KeyError):
            pass
        shutil.rmtree(folder, ignore_errors=True)
    return compute(), False


def point(asset_folder: Path, key: str) -> None:
    """Make ``key`` the asset's current result and remove all but the last few others, and what killed runs left."""
    with atomic_path(asset_folder / _CURRENT) as path:
        path.write_text(json.dumps({"key": key}))
    os.utime(asset_folder / key)
    sweep(asset_folder)
    others = [p for p in asset_folder.iterdir() if p.is_dir() and not p.name.startswith(".") and p.name != key]
    for old in sorted(others, key=_modified, reverse=True)[KEPT - 1 :]:
        shutil.rmtree(old, ignore_errors=True)
        shutil.rmtree(asset_folder / FOLDER / old.name, ignore_errors=True)


def _modified(folder: Path) -> int:
    try:
        return folder.stat().st_mtime_ns
    except FileNotFoundError:  # another run removed it
        return 0


def current(asset_folder: Path) -> Path:
    """Folder of the asset's current result.

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
