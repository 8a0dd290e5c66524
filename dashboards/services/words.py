"""Queries in words: the vector of a text, and of pictures that are mixed with it, in the space that both share."""

from __future__ import annotations

from typing import Any

import numpy as np

from dashboards.services.models.cache import per_model
from dashboards.services.models.loaded_model import Loaded
from dashboards.services.search import Vector
from dashboards.services.uploads import Refused
from imgsim.errors import ImgsimError
from imgsim.references.text_query import picture_vectors, text_vectors

MOST_LENGTH = 300


def takes_words(loaded: Loaded) -> bool:
    """Tell if the version's network has a text tower."""
    return loaded.model.references.text is not None


@per_model(most=64)
def vector_of_words(loaded: Loaded, words: str) -> Vector | Refused:
    """Return the vector (d,) of a text, of length 1, or why there is none."""
    try:
        vector: Vector = text_vectors(loaded.model.references, words[:MOST_LENGTH])[0]
    except (ImgsimError, MemoryError):
        return Refused(words, "this version's text tower could not read it.")
    return vector


def vector_of_pixels(loaded: Loaded, pixels: Any) -> Vector:
    """Return the vector (d,) of a picture, uint8 (H, W, 3), in the space of texts."""
    vector: Vector = picture_vectors(loaded.model.references, pixels)[0]
    return vector


def vector_of_row(loaded: Loaded, row: int) -> Vector:
    """Return the vector (d,) of a stored image in the space of texts."""
    space = loaded.model.references.text
    assert space is not None
    return np.asarray(space.rows[row])
