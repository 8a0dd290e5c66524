"""Decisions about the pictures of a version, where the store of decisions can be read."""

from __future__ import annotations

from dashboards.services import decided
from dashboards.services.decided import Decided
from dashboards.services.models.loaded_model import Loaded
from imgsim.errors import ImgsimError


def known(loaded: Loaded) -> Decided | None:
    """Return what is decided about a version's pictures; None where the store cannot be read."""
    try:
        return decided.decided(loaded)
    except ImgsimError:
        return None
