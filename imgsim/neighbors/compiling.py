"""Preparation of numba: a folder for what it compiles, also on a machine where little can be written."""

from __future__ import annotations

import os
import stat
import tempfile
import warnings
from functools import cache
from pathlib import Path

from imgsim.io.home import home


@cache
def prepare_numba() -> None:
    """Let numba keep compiled code in ``$NUMBA_CACHE_DIR``, the home, or a temporary folder; else keep none.

    Without a folder that can be written numba would refuse even to import what asks for a cache.
    """
    given = os.environ.get("NUMBA_CACHE_DIR")
    own = Path(given) if given else home() / "numba"
    folder = next(filter(_is_writable, (own, *_temporary_folders())), None)
    if folder != own:
        where = "compiled code is not kept, so each process compiles again" if folder is None else f"it is {folder} now"
        warnings.warn(
            f"numba's cache {own} cannot be written: {where}. Set NUMBA_CACHE_DIR or IMGSIM_HOME.", stacklevel=2
        )
    import numba
    from numba.core.dispatcher import Dispatcher
    from numba.np.ufunc.ufuncbuilder import UFuncDispatcher

    if folder is None:
        for kind in (Dispatcher, UFuncDispatcher):  # functions, and those of ``numba.vectorize``
            kind.enable_caching = lambda self: None  # type: ignore[method-assign]
        return
    os.environ["NUMBA_CACHE_DIR"] = numba.config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]


def _temporary_folders() -> list[Path]:
    """Return a folder of this user in the temporary folder, or nothing where there is none."""
    try:
        return [Path(tempfile.gettempdir()) / f"imgsim-numba-{os.getuid() if hasattr(os, 'getuid') else 0}"]
    except OSError:
        return []


def _is_writable(folder: Path) -> bool:
    """Return whether files can be made there, in a folder that nobody else can write: numba runs what it finds."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.lstat()
        if hasattr(os, "getuid") and (status.st_uid != os.getuid() or status.st_mode & stat.S_IWOTH):
            return False
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
