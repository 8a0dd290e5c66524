"""The working store, where imgsim keeps what it must not compute twice."""

import os
from contextlib import suppress
from pathlib import Path

import platformdirs

from imgsim.io.paths import absolute

FOLDER = ".imgsim"


def home() -> Path:
    """Return the absolute path of the working store; it is not created here.

    It is ``$IMGSIM_HOME``, else the nearest folder ``.imgsim`` of this user in the current folder or above it, else
    ``imgsim`` in the user's data folder (``~/.local/share/imgsim`` on Linux).
    """
    given = os.environ.get("IMGSIM_HOME")
    if given:
        return absolute(given)
    return _project_home() or platformdirs.user_data_path("imgsim", appauthor=False)


def _project_home() -> Path | None:
    """Find ``.imgsim`` upwards; one of another user is left alone, since compiled code is loaded from it."""
    with suppress(OSError):  # the current folder may be gone
        here = Path.cwd()
        for folder in (here, *here.parents):
            found = folder / FOLDER
            if found.is_dir() and _is_mine(found):
                return found
    return None


def _is_mine(folder: Path) -> bool:
    return not hasattr(os, "getuid") or folder.stat().st_uid == os.getuid()
