"""Uploaded pictures: read within limits, each with its tile and its vector, or one sentence why not."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass
from threading import BoundedSemaphore, Lock
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from dashboards.services.format import visible
from dashboards.services.models.loaded_model import Loaded
from dashboards.services.query_text import Crop
from dashboards.services.search import Vector
from imgsim.decoding.decode import decode, probe, thumbnail
from imgsim.errors import BackboneError, ImageError, ImgsimError
from imgsim.features.compute import image_pixels

MOST_KEPT_BYTES = 40_000_000
MOST_KEPT = 24
MOST_SHARED_BYTES, MOST_SHARED = 200_000_000, 200
TILE = 480
_KEY_LENGTH = 12
_PATIENCE = 10.0

Embedder = Callable[[NDArray[np.uint8]], Vector]
"""Pixels (H, W, 3) to a vector (d,)."""

_for_all: dict[str, Picture] = {}
_storing = Lock()
_decoding = BoundedSemaphore(2)  # a picture of 100 megapixels takes 300 MB while it is open


@dataclass(frozen=True)
class Limits:
    """Limits of what is sent at once."""

    bytes: int = 20_000_000
    pixels: int = 100_000_000
    files: int = 12
    seconds: float = 20.0


@dataclass(frozen=True)
class Picture:
    """A picture of this session.

    Parameters
    ----------
    key : str
        Its name in queries: ``u`` and the start of its sha256.
    name : str
        Of the file, as text to show.
    data : bytes
        The file.
    width, height : int
        Pixels, upright.
    format : str
    tile : bytes
        JPEG, longest side `TILE` pixels.
    sha256 : str
    """

    key: str
    name: str
    data: bytes
    width: int
    height: int
    format: str
    tile: bytes
    sha256: str


@dataclass(frozen=True)
class Refused:
    """A file that cannot be asked with, and why, in one sentence."""

    name: str
    reason: str


def read_all(
    loaded: Loaded, files: Sequence[tuple[str, bytes]], limits: Limits | None = None
) -> list[tuple[Picture, Vector] | Refused]:
    """Read files one after the other, each within the limits.

    Parameters
    ----------
    loaded : Loaded
    files : sequence of (str, bytes)
        Name and content.
    limits : Limits, optional

    Returns
    -------
    list
        In the same order: the picture with its vector, or why there is none.
    """
    limits = Limits() if limits is None else limits
    deadline = monotonic() + limits.seconds
    out: list[tuple[Picture, Vector] | Refused] = []
    for position, (name, data) in enumerate(files):
        if position >= limits.files:
            out.append(Refused(visible(name), f"only {limits.files} pictures can be searched with at once."))
        elif monotonic() > deadline:
            out.append(Refused(visible(name), f"the pictures before it took over {limits.seconds:.0f} seconds."))
        else:
            out.append(read(loaded, name, data, limits))
    return out


def read(loaded: Loaded, name: str, data: bytes, limits: Limits | None = None) -> tuple[Picture, Vector] | Refused:
    """Read one file; its size and its declared pixels are checked before anything is decoded."""
    limits = Limits() if limits is None else limits
    name = visible(name)[:200]
    if len(data) > limits.bytes:
        return Refused(name, f"it is larger than {limits.bytes / 1e6:.0f} MB.")
    try:
        header = probe(data)
        if header.width * header.height > limits.pixels:
            megapixels = header.width * header.height / 1e6
            return Refused(name, f"it declares {megapixels:,.0f} megapixels; the limit is {limits.pixels / 1e6:.0f}.")
        with Turn():
            picture, pixels = image_pixels(data, loaded.model.backbone)
            tile = thumbnail(picture, TILE)
            sha256 = hashlib.sha256(data).hexdigest()
            vector = _vector(loaded, sha256, pixels)
    except (ImgsimError, MemoryError) as error:
        return Refused(name, _reason(error))
    width, height = (header.width, header.height) if header.orientation < 5 else (header.height, header.width)
    key = f"u{sha256[:_KEY_LENGTH]}"
    return Picture(key, name, data, width, height, header.format, tile, sha256), vector


def embed(
    loaded: Loaded, picture: Picture, crop: Crop | None = None, embedder: Embedder | None = None
) -> Vector | Refused:
    """Return the vector (d,) of a picture that was read, or of a part of it, by this model or by ``embedder``."""
    spec = loaded.model.backbone
    try:
        with Turn():
            if crop is None:
                pixels = image_pixels(picture.data, spec)[1]
                return _vector(loaded, picture.sha256, pixels) if embedder is None else embedder(pixels)
            left, top, right, bottom = crop
            enough = (spec.height * 100 // (bottom - top) + 1, spec.width * 100 // (right - left) + 1)
            return (embedder or loaded.model.embed_pixels)(cut_out(decode(picture.data, at_least=enough), crop))
    except (ImgsimError, MemoryError) as error:
        return Refused(picture.name, _reason(error))


def embed_mirrored(loaded: Loaded, picture: Picture) -> Vector | Refused:
    """Return the vector (d,) of the mirror image of a picture that was read."""
    try:
        with Turn():
            pixels = image_pixels(picture.data, loaded.model.backbone)[1]
            return np.asarray(loaded.model.embed_pixels(np.ascontiguousarray(pixels[:, ::-1])))
    except (ImgsimError, MemoryError) as error:
        return Refused(picture.name, _reason(error))


def embed_stored(loaded: Loaded, row: int, crop: Crop, embedder: Embedder | None = None) -> Vector | Refused:
    """Return the vector (d,) of a part of a stored image: of its thumbnail, the only pixels that a model carries."""
    data = loaded.model.thumbnails([row])[0]
    name = visible(loaded.model.images.paths[row])
    if data is None:
        return Refused(name, "the model carries no thumbnail of it, so no part of it can be searched with.")
    try:
        return (embedder or loaded.model.embed_pixels)(cut_out(decode(data), crop))
    except (ImgsimError, MemoryError) as error:
        return Refused(name, _reason(error))


def cut_out(pixels: NDArray[np.uint8], crop: Crop) -> NDArray[np.uint8]:
    """Cut the part out of a picture (H, W, 3) that a crop in percent means; at least one pixel."""
    height, width = pixels.shape[:2]
    left, top = crop[0] * width // 100, crop[1] * height // 100
    right, bottom = max(left + 1, -(-crop[2] * width // 100)), max(top + 1, -(-crop[3] * height // 100))
    return np.ascontiguousarray(pixels[top:bottom, left:right])


def store(
    pictures: MutableMapping[str, Picture], picture: Picture, most: int = MOST_KEPT, most_bytes: int = MOST_KEPT_BYTES
) -> None:
    """Store a picture among those of a session; the oldest make room, in number and in bytes."""
    pictures.pop(picture.key, None)
    pictures[picture.key] = picture
    while len(pictures) > 1 and (
        len(pictures) > most or sum(len(item.data) + len(item.tile) for item in pictures.values()) > most_bytes
    ):
        del pictures[next(iter(pictures))]


def store_for_all(picture: Picture) -> None:
    """Store a picture for all sessions, which find it by its key: so it is there after a reload, and for a link."""
    with _storing:
        pictures = dict(_for_all)
        store(pictures, picture, MOST_SHARED, MOST_SHARED_BYTES)
        _for_all.clear()
        _for_all.update(pictures)


def stored_for_all(key: str) -> Picture | None:
    """Return a picture that a session stored for all, as long as the server lives and newer ones leave it room."""
    with _storing:
        return _for_all.get(key)


def stored_row(loaded: Loaded, picture: Picture) -> int | None:
    """Find the stored image whose file has the very bytes of this picture."""
    return loaded.model.references.row_of_content(picture.sha256)


def _vector(loaded: Loaded, sha256: str, pixels: NDArray[np.uint8]) -> Vector:
    """Return the vector of the stored image with these bytes, else that of the network's input (h, w, 3)."""
    row = loaded.model.references.row_of_content(sha256)
    return np.asarray(loaded.model.embeddings[row] if row is not None else loaded.model.embed_pixels(pixels))


class Turn:
    """One of the few pictures that may be decoded at the same time."""

    def __enter__(self) -> None:
        if not _decoding.acquire(timeout=_PATIENCE):
            raise ImageError("decode", "too many pictures are being read at the moment; try again in a few seconds")

    def __exit__(self, *_: object) -> None:
        _decoding.release()


def _reason(error: Exception) -> str:
    """Say why, without paths or traces of this machine."""
    if isinstance(error, ImageError):
        return f"{visible(error.reason).rstrip('.')}."
    if isinstance(error, MemoryError):
        return "it takes more memory than there is."
    if isinstance(error, BackboneError):
        return "this model carries no network, so it can only be searched with images it holds."
    return "this model's network could not read it."
