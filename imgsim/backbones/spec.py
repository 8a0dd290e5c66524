"""`Backbone` and `BackboneSpec`: a network, and the description of its weights, preprocessing and feature."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imgsim.errors import ArgumentTypeError, BackboneError
from imgsim.io.hashing import file_sha256

if TYPE_CHECKING:
    from torch import nn

PREPROCESSING = "rgb uint8; EXIF upright; antialiased bilinear stretch; v1"
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class BackboneSpec:
    """Description of a backbone: its name, input, preprocessing, weights, licence and feature length.

    ``height`` and ``width`` are the input in pixels, ``mean`` and ``std`` apply to RGB in [0, 1],
    ``dim`` is the feature's length (0 until the network has been run once). ``fingerprint`` identifies
    weights and preprocessing: features of equal fingerprint are interchangeable.
    """

    name: str
    fingerprint: str
    height: int
    width: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    weights: str
    licence: str
    dim: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return a form that JSON can hold."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> BackboneSpec:
        """Read the form that `to_dict` gives."""
        return cls(**{**values, "mean": tuple(values["mean"]), "std": tuple(values["std"])})


@dataclass(frozen=True)
class Backbone:
    """A spec and ``build``, which makes its network: (n, 3, h, w) normalised float to (n, dim)."""

    spec: BackboneSpec
    build: Callable[[], nn.Module]


def from_module(
    module: nn.Module,
    name: str | None = None,
    input_size: int | tuple[int, int] | None = None,
    mean: tuple[float, float, float] | None = None,
    std: tuple[float, float, float] | None = None,
) -> Backbone:
    """Wrap your own network as a backbone.

    Unset arguments come from the module's attributes of the same names, else they are 224 x 224 and ImageNet's mean
    and standard deviation.

    Raises
    ------
    ArgumentTypeError
        ``module`` is no torch module.
    """
    from torch import nn

    if not isinstance(module, nn.Module):
        raise ArgumentTypeError(
            "backbone must be a name, 'module:factory', an imgsim Backbone or a torch.nn.Module, "
            f"not {type(module).__name__}."
        )
    attributes: Any = module
    size: Any = input_size or getattr(attributes, "input_size", 224)
    height, width = (size, size) if isinstance(size, int) else size
    label = name or type(module).__name__
    content = hashlib.sha256(repr(module).encode())
    for key, tensor in sorted(module.state_dict().items()):
        content.update(key.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
    spec = make_spec(
        label,
        content.hexdigest(),
        (height, width),
        mean or _triple(attributes, "mean", IMAGENET_MEAN),
        std or _triple(attributes, "std", IMAGENET_STD),
        "your module",
        "yours",
    )
    return Backbone(spec, lambda: module)


def _triple(module: Any, name: str, default: tuple[float, float, float]) -> tuple[float, float, float]:
    red, green, blue = getattr(module, name, default)
    return float(red), float(green), float(blue)


def make_spec(
    name: str,
    content: str,
    size: tuple[int, int],
    mean: tuple[float, float, float],
    std: tuple[float, float, float],
    weights: str,
    licence: str,
) -> BackboneSpec:
    """Return a spec whose fingerprint covers the weights' ``content`` digest and all preprocessing."""
    identity = json.dumps([name, content, size, mean, std, PREPROCESSING])
    digest = hashlib.sha256(identity.encode()).hexdigest()[:16]
    safe = "".join(c if c.isalnum() or c in "_-" else "-" for c in name)[:40]
    return BackboneSpec(name, f"{safe}-{digest}", *size, mean, std, weights, licence)


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
