"""Copies of registered versions on this machine, of which the few that were used last are kept."""

import shutil
import time
from contextlib import suppress
from pathlib import Path

from imgsim.io.home import home

KEPT = 8
"""Copies that stay on disk."""


def downloads() -> Path:
    """Return the folder of the copies."""
    return home() / "models"


def tidy() -> None:
    """Remove the copies that were used longest ago, beyond `KEPT`; open ones stay readable."""
    there = sorted((path for path in downloads().iterdir() if not path.name.startswith(".")), key=_used)
    for path in there[:-KEPT]:
        shutil.rmtree(path, ignore_errors=True)


def _used(path: Path) -> float:
    with suppress(OSError):
        return path.stat().st_mtime
    return time.time()
