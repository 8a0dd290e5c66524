"""Filters of the sidebar: labels and a part of the path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dashboards.services.models.cache import per_model
from dashboards.services.models.loaded_model import Loaded


@dataclass(frozen=True)
class Filters:
    """Labels (none: all) and a part of the path, without regard to case."""

    labels: tuple[str, ...] = ()
    path: str = ""

    def __bool__(self) -> bool:
        return bool(self.labels or self.path)


@per_model(most=64)
def mask(loaded: Loaded, filters: Filters) -> NDArray[np.bool_]:
    """Return (n,) bool, true for the images that pass; read-only."""
    passed = np.ones(len(loaded), bool)
    if filters.labels:
        codes = [loaded.labels.index(label) for label in filters.labels if label in loaded.labels]
        passed &= np.isin(loaded.label_codes, codes)
    if filters.path:
        passed &= _holds(loaded.lower_paths, filters.path.casefold())
    passed.setflags(write=False)
    return passed


def _holds(texts: Sequence[str], part: str) -> NDArray[np.bool_]:
    return np.fromiter((part in text for text in texts), bool, len(texts))
