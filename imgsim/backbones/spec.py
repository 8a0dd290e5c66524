"""`Backbone` and `BackboneSpec`: a network, and the description of its weights, preprocessing and feature."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imgsim.errors import BackboneError
from imgsim.io.hashing import file_sha256

if TYPE_CHECKING:
    from torch import nn

    from imgsim.backbones.text.tower import TextTower

PREPROCESSING = "rgb uint8; EXIF upright; antialiased bilinear stretch; v1"
FP32, BF16 = "fp32", "bf16"
PRECISIONS = (FP32, BF16)
MAX_INPUT = 4096
"""Most pixels of a side of a network's input."""
Triple = tuple[float, float, float]
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class BackboneSpec:
    """Description of a backbone: its name, input, preprocessing, weights, licence and feature length.

    ``height`` and ``width`` are the input in pixels, ``mean`` and ``std`` apply to RGB in [0, 1],
    ``dim`` is the feature's length (0 until the network has been run once). ``fingerprint`` identifies
    weights and preprocessing: features of equal fingerprint are interchangeable.

    Pictures are stretched to the input by ``interpolation`` (bilinear, bicubic, ...; antialiased). If ``crop_from`` is
    not 0, their shorter side is resized to that many pixels instead, and the centre is cut out: half a pixel is rounded
    to the even side as torchvision does, or down with ``crop_floor`` as transformers does. ``pooling`` and
    ``revision`` are those of `imgsim.backbones.options.NetworkOptions`.

    With ``has_text`` the features lie in a space that a text tower shares, so that words can be queries; their lengths
    do not count there. ``precision`` is that of the arithmetic of the network:
    ``"fp32"`` or ``"bf16"``.
    """

    name: str
    fingerprint: str
    height: int
    width: int
    mean: Triple
    std: Triple
    weights: str
    licence: str
    dim: int = 0
    interpolation: str = "bilinear"
    crop_from: int = 0
    pooling: str = "model"
    revision: str = ""
    crop_floor: bool = False
    has_text: bool = False
    precision: str = FP32

    @property
    def network(self) -> str:
        """Fingerprint of weights and preprocessing alone, the same in each precision; it names the exported network."""
        return self.fingerprint.removesuffix(f"-{self.precision}")

    def in_precision(self, precision: str) -> BackboneSpec:
        """Return the spec of the same network in another precision, whose features have a fingerprint of their own."""
        suffix = "" if precision == FP32 else f"-{precision}"
        return replace(self, fingerprint=f"{self.network}{suffix}", precision=precision)

    def to_dict(self) -> dict[str, Any]:
        """Return a form that JSON can hold."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> BackboneSpec:
        """Read the form that `to_dict` gives."""
        return cls(**{**values, "mean": tuple(values["mean"]), "std": tuple(values["std"])})


@dataclass(frozen=True)
class Backbone:
    """A spec and ``build``, which makes its network anew: (n, 3, h, w) normalised float32 to (n, dim) float32.

    The fingerprint of a network by name covers its weights and preprocessing; its code does not change without its
    name or its weights. For a network of your own it covers a probe of the code too (`imgsim.backbones.own_module`).

    ``write_onnx`` is set for networks that are no torch modules: it writes the file that
    `imgsim.backbones.onnx_export.export_onnx` gives.

    ``text`` makes the text tower, where ``spec.has_text`` says that there is one.
    """

    spec: BackboneSpec
    build: Callable[[], nn.Module]
    write_onnx: Callable[[Path], None] | None = None
    text: Callable[[], TextTower] | None = None


def make_spec(
    name: str,
    content: str,
    size: tuple[int, int],
    mean: Triple,
    std: Triple,
    weights: str,
    licence: str,
    **others: Any,
) -> BackboneSpec:
    """Return a spec whose fingerprint covers the weights' ``content`` digest and all preprocessing.

    ``others`` are further fields of `BackboneSpec`; those that do not have their default value are covered too.
    """
    spec = BackboneSpec(name, "", *size, mean, std, weights, licence, **others)
    covered = {key: getattr(spec, key) for key in ("interpolation", "crop_from", "crop_floor", "pooling")}
    changed = {key: value for key, value in covered.items() if value != getattr(BackboneSpec, key)}
    identity = json.dumps([name, content, size, mean, std, PREPROCESSING, *([changed] if changed else [])])
    digest = hashlib.sha256(identity.encode()).hexdigest()[:16]
    safe = "".join(c if c.isalnum() or c in "_-" else "-" for c in name)[:40]
    return replace(spec, fingerprint=f"{safe}-{digest}")


def weights_digest(path: Path) -> str:
    """Return the hexadecimal sha256 of a weights file.

    Raises
    ------
    BackboneError
        It cannot be read.
    """
    try:
        return file_sha256(path)
    except OSError as error:
        raise BackboneError(
            f"cannot read the weights file {path}: {error.strerror}. Give a .pth or .safetensors state dict."
        ) from error
