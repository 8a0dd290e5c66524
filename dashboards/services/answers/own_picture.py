"""Pictures of the user that the collection holds already: the same file, the same picture, or its mirror image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dashboards.services.models.loaded_model import Loaded
from dashboards.services.search import Vector
from dashboards.services.uploads import Picture, Refused, embed_mirrored, stored_row
from imgsim.decoding.decode import decode
from imgsim.errors import ImgsimError
from imgsim.insights.descriptor import TURNS, differences, is_blank, pack, small_picture, turned

Kind = Literal["identical file", "same picture", "your picture, mirrored"]

_NEAREST = 8
_MIRRORED = TURNS.index("mirrored")


@dataclass(frozen=True)
class Stored:
    """A stored image that a picture of the user is, and in what way."""

    row: int
    kind: Kind


def find_stored(loaded: Loaded, picture: Picture, vector: Vector) -> Stored | None:
    """Find the stored image that shows a picture of the user, upright or mirrored.

    Compared are the thumbnails of the nearest images of the picture (its ``vector``, (d,)) and of its mirror image.
    """
    row = stored_row(loaded, picture)
    if row is not None:
        return Stored(row, "identical file")
    mirrored = embed_mirrored(loaded, picture)
    asked = [vector] if isinstance(mirrored, Refused) else [vector, mirrored]
    rows = np.unique(loaded.model.references.search.nearest(np.stack(asked), min(_NEAREST, len(loaded)), None)[0])
    try:
        own = _descriptor(picture.tile)
    except ImgsimError:
        return None
    if is_blank(own)[0]:
        return None
    return _most_alike(loaded, rows, own)


def _most_alike(loaded: Loaded, rows: NDArray[np.integer], own: NDArray[np.uint8]) -> Stored | None:
    """Return the row whose thumbnail shows the picture of a descriptor (1, 1536)."""
    kinds: dict[int, Kind] = {0: "same picture", _MIRRORED: "your picture, mirrored"}
    there = [(int(row), data) for row, data in zip(rows, loaded.model.thumbnails(rows.tolist()), strict=True) if data]
    if not there:
        return None
    theirs = np.concatenate([_descriptor(data) for _, data in there])
    each = {turn: differences(theirs, np.repeat(turned(own, turn), len(theirs), axis=0)) for turn in kinds}
    turn = min(each, key=lambda turn: float(each[turn].min()))
    place = int(each[turn].argmin())
    return Stored(there[place][0], kinds[turn]) if each[turn][place] <= 1 else None


def _descriptor(jpeg: bytes) -> NDArray[np.uint8]:
    from PIL import Image

    return pack(small_picture(Image.fromarray(decode(jpeg)))[None])
