"""Models of the MLflow registry for the pages: names, the newest one, and the few in memory that were used last."""

from __future__ import annotations

import gc

from dashboards.services.models.cache import Cache
from dashboards.services.models.loaded_model import Loaded
from imgsim.errors import RegistryError
from imgsim.mlflow import registry
from imgsim.mlflow.download import load_version
from imgsim.mlflow.version import Version

MODELS: Cache[Loaded] = Cache(4)
"""Loaded models by their token, each loaded once for all sessions."""


def names() -> list[str]:
    """List registered models, the one that changed last first; at least one.

    Raises
    ------
    RegistryError
        No registry answers, or it has no such model.
    """
    found = registry.list_models()
    if not found:
        raise RegistryError(
            "The registry answers, but holds no model of imgsim yet. Run the pipeline once: imgsim run.", "empty"
        )
    return found


def newest() -> Version:
    """Find the version that is shown when nobody asked for one."""
    return registry.resolve(names()[0])


def load(version: Version) -> Loaded:
    """Return a version from memory, from disk, or downloaded once.

    Raises
    ------
    RegistryError
        The download fails or is damaged.
    """
    return MODELS.get(version.token, lambda: _load(version))


def in_memory_with(key: str) -> Loaded | None:
    """Find the version that was used last of those in memory that have an image of this name."""
    return next((loaded for loaded in MODELS.all() if loaded.row(key) is not None), None)


def _load(version: Version) -> Loaded:
    """Load a version, and take all that is in memory then out of the garbage collection.

    Streamlit collects after every rerun of a page, which took five times as long as the page itself: 0.25 s instead of
    0.05 s for each click. Models and modules stay anyway; a model that is put away is freed by reference counting.
    """
    loaded = Loaded(version.name, version.version, version.token, load_version(version))
    gc.collect()
    gc.freeze()
    return loaded
