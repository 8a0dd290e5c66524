"""Probes: test images for an export, with the embedding and distances that Python computes for them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imgsim.backbones.preprocessing import input_pixels
from imgsim.backbones.spec import BackboneSpec
from imgsim.decoding.decode import decode
from imgsim.errors import ArgumentError, ArgumentTypeError, DeploymentError, ImageError
from imgsim.features.compute import image_pixels
from imgsim.neighbors.exact import true_distances

if TYPE_CHECKING:
    from imgsim.references.references import References

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Probe:
    """Test image, with its embedding and distances in Python.

    ``picture`` is (H, W, 3) uint8 RGB of any size and ``pixels`` (h, w, 3) uint8 the same at the network's input size;
    ``embedding`` is (d,), ``distances`` (n,) to all reference images; ``source`` is ``"file"``, ``"thumbnail"``,
    ``"generated"`` or ``"given"``.
    """

    picture: Pixels
    pixels: Pixels
    embedding: NDArray[np.float32]
    distances: NDArray[np.float32]
    source: str


def reference_probes(references: References, count: int, *, largest: int | None = None) -> list[Probe]:
    """Return probes of reference images, evenly spread over the rows: unchanged files, else thumbnails.

    Rows that have neither get a generated image.

    Parameters
    ----------
    largest : int, optional
        Most pixels of a side of ``picture``; larger ones are reduced first, and are then other images.
    """
    rows = np.unique(np.linspace(0, len(references) - 1, min(count, len(references))).astype(int))
    small = references.thumbnails([int(row) for row in rows])
    found = [_reference(references, int(row), jpeg) for row, jpeg in zip(rows, small, strict=True)]
    return [_probe(references, _reduced(picture, largest), source) for picture, source in found]


def chosen_probes(references: References, images: int | Sequence[Any], *, largest: int | None = None) -> list[Probe]:
    """Return probes of a number of reference images, or of the caller's: paths, bytes or uint8 arrays (h, w, 3).

    Raises
    ------
    ArgumentError, ArgumentTypeError, ImageError
        No picture, or one that is none.
    """
    if isinstance(images, int):
        if images < 1:
            raise ArgumentError(f"images must be at least 1, not {images}.")
        return reference_probes(references, images, largest=largest)
    if not len(images):
        raise ArgumentError("there are no images to verify with: give some, or a number of reference images.")
    return [_probe(references, _given(picture, references.backbone), "given") for picture in images]


def _probe(references: References, picture: Image.Image, source: str) -> Probe:
    pixels = input_pixels(picture, references.backbone)
    feature = references.runtime()(pixels[None])
    vector = feature if references.projection is None else references.projection.transform(feature)
    if vector.shape[1] != references.embeddings.shape[1]:
        raise DeploymentError(
            f"the network gives {feature.shape[1]} values and the model's vectors have "
            f"{references.embeddings.shape[1]}: create the model again."
        )
    everyone = np.arange(len(references))[None]
    distances = true_distances(vector, references.embeddings, everyone)[0]
    return Probe(np.array(picture), pixels, vector[0], distances, source)


def _reference(references: References, row: int, thumbnail: bytes | None) -> tuple[Image.Image, str]:
    try:
        data = references.images.read_bytes(row)
        if hashlib.sha256(data).hexdigest() == references.images.sha256[row]:
            return image_pixels(data, references.backbone)[0], "file"
    except ImageError:
        pass
    if thumbnail is not None:
        return Image.fromarray(decode(thumbnail)), "thumbnail"
    return _generated(references.backbone, row), "generated"


def _reduced(picture: Image.Image, largest: int | None) -> Image.Image:
    if largest is not None:
        picture.thumbnail((largest, largest))
    return picture


def _generated(spec: BackboneSpec, seed: int) -> Image.Image:
    """Draw a smooth random image; white noise hardly activates a network trained on photographs."""
    coarse = np.random.default_rng(seed).integers(0, 256, (9, 9, 3), np.uint8)
    return Image.fromarray(coarse).resize((spec.width, spec.height), Image.Resampling.BICUBIC)


def _given(picture: Any, spec: BackboneSpec) -> Image.Image:
    if isinstance(picture, (bytes, str, Path)):
        try:
            data = picture if isinstance(picture, bytes) else Path(picture).read_bytes()
        except OSError as error:
            raise ImageError("read", f"{error.filename}: {error.strerror}") from error
        return image_pixels(data, spec)[0]
    if isinstance(picture, np.ndarray) and picture.dtype == np.uint8 and picture.ndim == 3 and picture.shape[2] == 3:
        return Image.fromarray(picture)
    raise ArgumentTypeError("images must be paths, bytes or uint8 arrays of shape (h, w, 3).")
