"""Networks that turn a picture into a feature: weights, preprocessing, dimension and licence together."""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imgsim.encoder import CELLS
from imgsim.errors import ArgumentTypeError, BackboneError

if TYPE_CHECKING:
    from torch import nn

PREPROCESSING = "rgb uint8; EXIF upright; antialiased bilinear stretch; v1"
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
TURI_ALIASES = {"resnet-50": "resnet50", "squeezenet_v1.1": "squeezenet1_1"}
TURI_APPLE_ONLY = ("VisionFeaturePrint_Scene", "VisionFeaturePrint_Screen")


@dataclass(frozen=True)
class BackboneSpec:
    """What must be known to use a network's features, without the network itself.

    ``height`` and ``width`` are the input in pixels, ``mean`` and ``std`` apply to RGB in [0, 1],
    ``dim`` is the feature's length (0 until the network has been run once), ``fingerprint`` names
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
        """JSON-ready form."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> BackboneSpec:
        """Inverse of `to_dict`."""
        return cls(**{**values, "mean": tuple(values["mean"]), "std": tuple(values["std"])})


@dataclass(frozen=True)
class Backbone:
    """A spec and the recipe that builds its network: (n, 3, h, w) normalised float to (n, dim)."""

    spec: BackboneSpec
    build: Callable[[], nn.Module]


def list_backbones() -> list[str]:
    """Names `get_backbone` accepts: ``mini``, then torchvision's classification networks."""
    import torchvision

    return ["mini", *torchvision.models.list_models(module=torchvision.models)]


def get_backbone(backbone: str | nn.Module | Backbone = "mini", weights: str | Path | None = None) -> Backbone:
    """Find a network by name, or wrap your own.

    Parameters
    ----------
    backbone : str, torch.nn.Module or Backbone
        ``"mini"`` (packaged, offline), a torchvision classification network (``"resnet50"``), one of
        Turi Create's old names, ``"package.module:factory"`` (called without arguments), or a module
        returning (n, dim) features; a module may carry ``input_size``, ``mean`` and ``std``.
    weights : path, optional
        A torchvision state dict (.pth or .safetensors). By default the network's own weights are
        downloaded once and cached by torch. ``"random"`` gives seeded, untrained weights: for tests
        and timings only.

    Raises
    ------
    BackboneError
        Unknown name, or weights that cannot be read.
    """
    if isinstance(backbone, Backbone):
        return backbone
    if not isinstance(backbone, str):
        return from_module(backbone)
    name = TURI_ALIASES.get(backbone, backbone)
    if name in TURI_APPLE_ONLY:
        raise BackboneError(f"{name} lives inside Apple's operating systems and cannot run here; use backbone='mini'.")
    if ":" in name:
        if weights is not None:
            raise BackboneError(f"{name} makes its network with its own weights; load {weights} inside the factory.")
        return _from_factory(name)
    if name == "mini":
        return _mini(weights)
    from imgsim.torchvision_backbones import torchvision_backbone

    return torchvision_backbone(name, weights)


def from_module(
    module: nn.Module,
    name: str | None = None,
    input_size: int | tuple[int, int] | None = None,
    mean: tuple[float, float, float] | None = None,
    std: tuple[float, float, float] | None = None,
) -> Backbone:
    """Wrap your own network. Unset arguments come from the module's attributes, else 224 x 224 and ImageNet's."""
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
    """A spec whose fingerprint covers the weights' ``content`` digest and all preprocessing."""
    identity = json.dumps([name, content, size, mean, std, PREPROCESSING])
    digest = hashlib.sha256(identity.encode()).hexdigest()[:16]
    safe = "".join(c if c.isalnum() or c in "_-" else "-" for c in name)[:40]
    return BackboneSpec(name, f"{safe}-{digest}", *size, mean, std, weights, licence)


def _mini(weights: str | Path | None) -> Backbone:
    path = files("imgsim.encoder").joinpath("mini.safetensors") if weights is None else Path(weights)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BackboneError(f"cannot read the weights of mini at {path}: {error}.") from error
    digest = hashlib.sha256(data).hexdigest()

    def build() -> nn.Module:
        from safetensors.torch import load

        from imgsim.encoder.network import MiniEncoder

        module = MiniEncoder()
        try:
            tensors = {key: value.float() for key, value in load(data).items()}
        except Exception as error:
            raise BackboneError(f"{path} does not hold weights of mini: {error}") from error
        if (found := _shapes(tensors)) != (wanted := _shapes(module.state_dict())):
            raise BackboneError(
                f"{path} does not hold weights of mini: {len(found)} tensors where this version has {len(wanted)}, "
                f"{len(set(found.items()) & set(wanted.items()))} of them alike. Train it again with this version."
            )
        module.load_state_dict(tensors)
        return module.eval()

    source = "packaged" if weights is None else f"file {Path(weights).name}"
    content = f"{digest} {CELLS}"
    return Backbone(make_spec("mini", content, (96, 96), IMAGENET_MEAN, IMAGENET_STD, source, "Apache-2.0"), build)


def _shapes(tensors: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def _from_factory(reference: str) -> Backbone:
    module_name, _, attribute = reference.partition(":")
    try:
        factory = getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError) as error:
        raise BackboneError(
            f"cannot import {reference!r}: {error}. Write 'package.module:factory', importable from here."
        ) from error
    made = factory()
    return made if isinstance(made, Backbone) else from_module(made, name=attribute)
