"""The compiled inner loops, imported late: numba takes half a second, and its cache must have its place before."""

from __future__ import annotations

import os
from types import ModuleType

from imgsim.io.home import home


def kernel() -> ModuleType:
    """`imgsim.neighbors.partitioned.kernel`, compiled once per machine."""
    os.environ.setdefault("NUMBA_CACHE_DIR", str(home() / "numba"))
    from imgsim.neighbors.partitioned import kernel as module

    return module
