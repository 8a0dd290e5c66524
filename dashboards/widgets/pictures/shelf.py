"""Pictures of this session (uploaded, photographed or fetched) and their vectors."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import cast

import streamlit as st

from dashboards.services import uploads
from dashboards.services.answers.own_picture import Stored, find_stored
from dashboards.services.models.cache import per_model
from dashboards.services.models.loaded_model import Loaded
from dashboards.services.query_text import PICTURE, Crop, Term
from dashboards.services.search import Vector
from dashboards.services.uploads import Embedder, Picture, Refused
from dashboards.services.words import vector_of_pixels, vector_of_row

_SHELF, _VECTORS, _STORED = "pictures", "picture-vectors", "pictures-stored"
_MOST_VECTORS = 256

_Name = tuple[str, str, Crop | None, bool]


class Shelf(dict[str, Picture]):
    """Pictures of a session by key, the oldest first; those of other sessions are there for who knows their key."""

    def __missing__(self, key: str) -> Picture:
        found = uploads.stored_for_all(key)
        if found is None:
            raise KeyError(key)
        self[key] = found
        return found

    def __contains__(self, key: object) -> bool:
        return super().__contains__(key) or (isinstance(key, str) and uploads.stored_for_all(key) is not None)


def shelf() -> Shelf:
    """Return the pictures that this session can ask with."""
    return cast(Shelf, st.session_state.setdefault(_SHELF, Shelf()))


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
        uploads.store_for_all(picture)
        _remember((loaded.token, picture.key, None, False), vector)
        keys.append(picture.key)
    return [key for key in dict.fromkeys(keys) if key in shelf()], refused


def vector(loaded: Loaded, term: Term, in_words: bool = False) -> Vector | Refused:
    """Return the vector of a term, in the space of texts or not: stored, remembered, or computed once."""
    if term.row != PICTURE and term.crop is None:
        return vector_of_row(loaded, term.row) if in_words else loaded.model.embeddings[term.row]
    if term.row != PICTURE and term.crop is not None:
        return _stored_part(loaded, term.row, term.crop, in_words)
    name = (loaded.token, term.picture, term.crop, in_words)
    known = _vectors().get(name)
    if known is not None:
        return known
    found = uploads.embed(loaded, shelf()[term.picture], term.crop, _embedder(loaded, in_words))
    if not isinstance(found, Refused):
        _remember(name, found)
    return found


def stored(loaded: Loaded, key: str) -> Stored | None:
    """Return the stored image that shows a picture, upright or mirrored; looked for once in a session."""
    known = cast("dict[tuple[str, str], Stored | None]", st.session_state.setdefault(_STORED, {}))
    name = (loaded.token, key)
    if name not in known:
        own = vector(loaded, Term(PICTURE, 1.0, picture=key))
        known[name] = None if isinstance(own, Refused) else find_stored(loaded, shelf()[key], own)
    return known[name]


@per_model(most=64)
def _stored_part(loaded: Loaded, row: int, crop: Crop, in_words: bool) -> Vector | Refused:
    return uploads.embed_stored(loaded, row, crop, _embedder(loaded, in_words))


def _embedder(loaded: Loaded, in_words: bool) -> Embedder | None:
    return partial(vector_of_pixels, loaded) if in_words else None


def _vectors() -> dict[_Name, Vector]:
    return cast("dict[_Name, Vector]", st.session_state.setdefault(_VECTORS, {}))


def _remember(name: _Name, vector: Vector) -> None:
    known = _vectors()
    known[name] = vector
    while len(known) > _MOST_VECTORS:
        del known[next(iter(known))]
