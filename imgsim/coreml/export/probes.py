"""Probes: test images for a package, with the embedding and distances that Python computes for them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imgsim.backbones.spec import BackboneSpec
from imgsim.decoding.decode import decode, resize
from imgsim.errors import ArgumentError, ArgumentTypeError, CoreMLError, ImageError
from imgsim.features.extract import image_pixels
from imgsim.neighbors.exact import true_distances

if TYPE_CHECKING:
    from imgsim.references.references import References

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Probe:
    """Test image at the network's input size, with its embedding and distances in Python.

    ``pixels`` is (h, w, 3) uint8 RGB, ``embedding`` (d,), ``distances`` (n,) to all reference images;
    ``source`` is ``"file"``, ``"thumbnail"``, ``"generated"`` or ``"given"``.
    """

    pixels: Pixels
    embedding: NDArray[np.float32]
    distances: NDArray[np.float32]
    source: str


def reference_probes(references: References, count: int) -> list[Probe]:
    """Return probes of reference images, evenly spread over the rows: unchanged files, else thumbnails.

    Rows that have neither get a generated image.
    """
    rows = np.unique(np.linspace(0, len(references) - 1, min(count, len(references))).astype(int))
    small = references.thumbnails([int(row) for row in rows])
    return [_probe(references, *_reference(references, int(row), jpeg)) for row, jpeg in zip(rows, small, strict=True)]


def given_probes(references: References, pictures: Sequence[Any]) -> list[Probe]:
    """Return probes of the caller's images: paths, bytes or uint8 arrays (h, w, 3).

    Raises
    ------
    ArgumentError, ArgumentTypeError, ImageError
        No picture, or one that is none.
    """
    if not len(pictures):
        raise ArgumentError("there are no images to verify with: give some, or a number of reference images.")
    return [_probe(references, _given(picture, references.backbone), "given") for picture in pictures]


def _probe(references: References, pixels: Pixels, source: str) -> Probe:
    feature = references.runtime()(pixels[None])
    vector = feature if references.projection is None else references.projection.transform(feature)
    if vector.shape[1] != references.embeddings.shape[1]:
        raise CoreMLError(
            f"the network gives {feature.shape[1]} values and the model's vectors have "
            f"{references.embeddings.shape[1]}: create the model again."
        )
    everyone = np.arange(len(references))[None]
    return Probe(pixels, vector[0], true_distances(vector, references.embeddings, everyone)[0], source)


def _reference(references: References, row: int, thumbnail: bytes | None) -> tuple[Pixels, str]:
    spec = references.backbone
    try:
        data = references.images.read_bytes(row)
        if hashlib.sha256(data).hexdigest() == references.images.sha256[row]:
            return image_pixels(data, spec)[1], "file"
    except ImageError:
        pass
    if thumbnail is not None:
        return resize(Image.fromarray(decode(thumbnail)), (spec.height, spec.width)), "thumbnail"
    return _generated(spec, row), "generated"


def _generated(spec: BackboneSpec, seed: int) -> Pixels:
    """Draw a smooth random image; white noise hardly activates a network trained on photographs."""
    coarse = np.random.default_rng(seed).integers(0, 256, (9, 9, 3), np.uint8)
    return np.array(Image.fromarray(coarse).resize((spec.width, spec.height), Image.Resampling.BICUBIC))


def _given(picture: Any, spec: BackboneSpec) -> Pixels:
    if isinstance(picture, (bytes, str, Path)):
        try:
            data = picture if isinstance(picture, bytes) else Path(picture).read_bytes()
        except OSError as error:
            raise ImageError("read", f"{error.filename}: {error.strerror}") from error
        return image_pixels(data, spec)[1]
    if isinstance(picture, np.ndarray) and picture.dtype == np.uint8 and picture.ndim == 3 and picture.shape[2] == 3:
        return resize(Image.fromarray(picture), (spec.height, spec.width))
    raise ArgumentTypeError("images must be paths, bytes or uint8 arrays of shape (h, w, 3).")
