"""Model cards: the licence that a repository of the hub states in its README."""

from __future__ import annotations

from pathlib import Path

from imgsim.backbones.libraries.licences import UNKNOWN

CARD = "README.md"


def card_licence(folder: Path) -> str:
    """Return the licence in the model card of a folder, else ``"unknown"``."""
    from huggingface_hub import ModelCardData
    from huggingface_hub.repocard import metadata_load

    try:
        found = ModelCardData(**(metadata_load(folder / CARD) or {})).license
    except Exception:  # noqa: BLE001 - a card that cannot be read states no licence
        found = None
    return str(found or UNKNOWN)
