"""Late import of `numba_kernels`: numba takes half a second, and its cache folder must be set before."""

from __future__ import annotations

import os
from types import ModuleType

from imgsim.io.home import home


def kernels() -> ModuleType:
    """Import `imgsim.neighbors.partitioned.numba_kernels`; it is compiled once per machine and cached on disk."""
    os.environ.setdefault("NUMBA_CACHE_DIR", str(home() / "numba"))
    from imgsim.neighbors.partitioned import numba_kernels

    return numba_kernels
