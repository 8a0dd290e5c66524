"""Backbones by name: the packaged ``mini``, torchvision's networks, or your own module."""

from __future__ import annotations

import hashlib
import importlib
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imgsim.arguments import DEFAULT_BACKBONE
from imgsim.backbones.mini import POOL_GRID
from imgsim.backbones.spec import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    PREPROCESSING,
    Backbone,
    from_module,
    make_spec,
    weights_digest,
)
from imgsim.errors import BackboneError

if TYPE_CHECKING:
    from torch import nn

TURI_ALIASES = {"resnet-50": "resnet50", "squeezenet_v1.1": "squeezenet1_1"}
TURI_APPLE_ONLY = ("VisionFeaturePrint_Scene", "VisionFeaturePrint_Screen")


def list_backbones() -> list[str]:
    """Return the names that `get_backbone` accepts: ``mini``, then torchvision's classification networks."""
    import torchvision

    return ["mini", *torchvision.models.list_models(module=torchvision.models)]


def get_backbone(
    backbone: str | nn.Module | Backbone = DEFAULT_BACKBONE, weights: str | Path | None = None
) -> Backbone:
    """Return a backbone by name, or wrap your own network.

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
    _require_known(name)
    from imgsim.backbones.torchvision import torchvision_backbone

    return torchvision_backbone(name, weights)


def _require_known(name: str) -> None:
    known = list_backbones()
    if name not in known:
        from difflib import get_close_matches

        near = ", ".join(get_close_matches(name, known, 4))
        hint = f" Near: {near}." if near else ""
        raise BackboneError(f"no backbone is called {name!r}.{hint} All: imgsim.list_backbones().")


def backbone_identity(backbone: str, weights: str = "") -> list[str]:
    """Return what decides the features of a named network, read without torch (a factory alone needs it).

    Equal lists mean equal features of the same image; a fingerprint needs torch for torchvision's networks.

    Raises
    ------
    BackboneError
        The weights file cannot be read, or a factory cannot be imported.
    """
    if ":" in backbone:
        return [get_backbone(backbone, weights or None).spec.fingerprint]
    if backbone == "mini":
        return [backbone, get_backbone(backbone, weights or None).spec.fingerprint]
    content = weights_digest(Path(weights)) if weights not in ("", "random") else weights
    return [backbone, content, version("torchvision"), PREPROCESSING]


def _mini(weights: str | Path | None) -> Backbone:
    path = files("imgsim.backbones.mini").joinpath("mini.safetensors") if weights is None else Path(weights)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BackboneError(f"cannot read the weights of mini at {path}: {error}.") from error
    digest = hashlib.sha256(data).hexdigest()

    def build() -> nn.Module:
        from safetensors.torch import load

        from imgsim.backbones.mini.network import MiniEncoder

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
    content = f"{digest} {POOL_GRID}"
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
