"""Pictures of this session (uploaded, photographed or fetched) and their vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import streamlit as st

from dashboards.services import uploads
from dashboards.services.models.cache import per_model
from dashboards.services.models.loaded_model import Loaded
from dashboards.services.query_text import PICTURE, Crop, Term
from dashboards.services.search import Vector
from dashboards.services.uploads import Picture, Refused

_SHELF, _VECTORS = "pictures", "picture-vectors"
_MOST_VECTORS = 256

_Name = tuple[str, str, Crop | None]


def shelf() -> dict[str, Picture]:
    """Return the pictures by key, the oldest first."""
    return cast(dict[str, Picture], st.session_state.setdefault(_SHELF, {}))


def take(loaded: Loaded, files: Sequence[tuple[str, bytes]]) -> tuple[list[str], list[Refused]]:
    """Read files and keep the pictures; return their keys, and what was refused."""
    keys: list[str] = []
    refused: list[Refused] = []
    for answer in uploads.read_all(loaded, files):
        if isinstance(answer, Refused):
            refused.append(answer)
            continue
        picture, vector = answer
        uploads.store(shelf(), picture)
        _remember((loaded.token, picture.key, None), vector)
        keys.append(picture.key)
    return [key for key in dict.fromkeys(keys) if key in shelf()], refused


def vector(loaded: Loaded, term: Term) -> Vector | Refused:
    """Return the vector of a term: stored, remembered, or computed once."""
    if term.row != PICTURE:
        return loaded.model.embeddings[term.row] if term.crop is None else _stored_part(loaded, term.row, term.crop)
    name = (loaded.token, term.picture, term.crop)
    known = _vectors().get(name)
    if known is not None:
        return known
    found = uploads.embed(loaded, shelf()[term.picture], term.crop)
    if not isinstance(found, Refused):
        _remember(name, found)
    return found


@per_model(most=64)
def _stored_part(loaded: Loaded, row: int, crop: Crop) -> Vector | Refused:
    return uploads.embed_stored(loaded, row, crop)


def _vectors() -> dict[_Name, Vector]:
    return cast("dict[_Name, Vector]", st.session_state.setdefault(_VECTORS, {}))


def _remember(name: _Name, vector: Vector) -> None:
    known = _vectors()
    known[name] = vector
    while len(known) > _MOST_VECTORS:
        del known[next(iter(known))]
