"""Backbones by name: packaged ones, those of torchvision, timm and other libraries, or your own module."""

from __future__ import annotations

import hashlib
import importlib
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imgsim.arguments import DEFAULT_BACKBONE
from imgsim.backbones.default import resolve_backbone
from imgsim.backbones.libraries.efficientnet_lite import WHEELS
from imgsim.backbones.libraries.folder import library_of
from imgsim.backbones.mini import POOL_GRID
from imgsim.backbones.options import NetworkOptions
from imgsim.backbones.own_module import from_module
from imgsim.backbones.spec import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    Backbone,
    make_spec,
)
from imgsim.errors import BackboneError
from imgsim.io.error_text import shorten

if TYPE_CHECKING:
    from torch import nn

LIBRARIES = {
    "torchvision": "torchvision",
    "timm": "timm",
    "open_clip": "open_clip",
    "transformers": "transformers",
    "onnx": "onnx_file",
}
"""Prefix of a network's name to the module of `imgsim.backbones.libraries` that loads it."""
FOLDERS = ("hf-hub", "local-dir")
"""Prefixes of names whose folder tells which library they are of."""
TURI_ALIASES = {"resnet-50": "resnet50", "squeezenet_v1.1": "squeezenet1_1"}
TURI_APPLE_ONLY = ("VisionFeaturePrint_Scene", "VisionFeaturePrint_Screen")


def list_backbones() -> list[str]:
    """Return the bare names that `get_backbone` accepts: packaged networks, then torchvision's classification networks.

    Names with a prefix, such as ``timm:NAME``, are listed by their library (``timm.list_models(pretrained=True)``).
    """
    import torchvision

    return ["mini", *WHEELS, *torchvision.models.list_models(module=torchvision.models)]


def get_backbone(
    backbone: str | nn.Module | Backbone = DEFAULT_BACKBONE,
    weights: str | Path | None = None,
    *,
    image_size: int | None = None,
    pooling: str = "model",
    resize: str = "stretch",
    revision: str | None = None,
    cache_dir: str | Path | None = None,
) -> Backbone:
    """Return a backbone by name, or wrap your own network.

    Parameters
    ----------
    backbone : str, torch.nn.Module or Backbone
        ``"auto"`` (EfficientNet-Lite0, else ``mini``), ``"mini"`` and ``"efficientnet_lite0"`` (installed with
        imgsim), ``"efficientnet_lite2"``, a torchvision classification network (``"resnet50"``), ``"timm:NAME"``,
        ``"open_clip:MODEL/PRETRAINED"``, ``"transformers:ID"`` or ``"transformers:FOLDER"``, ``"hf-hub:ORG/NAME"`` or
        ``"local-dir:FOLDER"`` (told by their config), ``"onnx:FILE"``, one of Turi Create's old names,
        ``"package.module:factory"`` (called without arguments), or a module returning (n, dim) features; a module may
        carry ``input_size``, ``mean`` and ``std``.
    weights, image_size, pooling, resize, revision, cache_dir
        See `imgsim.backbones.options.NetworkOptions`; a network refuses those that it does not have.

    Raises
    ------
    BackboneError
        Unknown name, or weights that cannot be read.
    ArgumentError, ArgumentTypeError
        An option that this network does not have, or outside its domain.
    """
    options = NetworkOptions(weights, image_size, pooling, resize, revision, cache_dir).checked()
    if not isinstance(backbone, str):
        options.refuse_others("a network of your own")
        return backbone if isinstance(backbone, Backbone) else from_module(backbone)
    name = TURI_ALIASES.get(backbone, resolve_backbone(backbone))
    if name in TURI_APPLE_ONLY:
        raise BackboneError(f"{name} lives inside Apple's operating systems and cannot run here; use backbone='mini'.")
    library, colon, rest = name.partition(":")
    if colon and not rest:
        raise BackboneError(f"{name!r} names no network: write its name behind the colon. All: imgsim backbones.")
    if library in LIBRARIES and rest:
        return _load(LIBRARIES[library], rest, options)
    if rest and library in FOLDERS:
        return _load(library_of(name, options), name, options)
    if ":" in name:
        if weights is not None:
            raise BackboneError(f"{name} makes its network with its own weights; load {weights} inside the factory.")
        options.refuse_others(name)
        return _from_factory(name)
    return _bare(name, options)


def _bare(name: str, options: NetworkOptions) -> Backbone:
    """Load a network whose name has no prefix."""
    if name == "mini":
        options.refuse_others(name, "weights")
        if options.random:
            raise BackboneError("mini has its own weights; leave weights='random' out.")
        return _mini(options.weights)
    if name in WHEELS:
        return _load("efficientnet_lite", name, options)
    _require_known(name)
    return _load("torchvision", name, options)


def is_data(name: str) -> bool:
    """Tell if a network's name stands for data; other names with a colon name code, which is imported."""
    library, colon, _ = name.partition(":")
    return not colon or library in LIBRARIES or library in FOLDERS


def _load(module_name: str, name: str, options: NetworkOptions) -> Backbone:
    module = importlib.import_module(f"imgsim.backbones.libraries.{module_name}")
    found: Backbone = module.load(name, options)
    return found


def _require_known(name: str) -> None:
    known = list_backbones()
    if name not in known:
        from difflib import get_close_matches

        near = ", ".join(get_close_matches(name, known, 4))
        hint = (f" Near: {near}." if near else "") + (f" timm has it: timm:{name}." if _timm_has(name) else "")
        raise BackboneError(f"no backbone is called {name!r}.{hint} All: imgsim.list_backbones().")


def _timm_has(name: str) -> bool:
    import timm

    return bool(timm.is_model(name.partition(".")[0]))


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
    except (ImportError, AttributeError, ValueError) as error:
        raise BackboneError(
            f"cannot import {reference!r}: {error}. Write 'package.module:factory', importable from here."
        ) from error
    try:
        made = factory()
    except Exception as error:
        raise BackboneError(
            f"{reference} cannot be called without arguments, or fails: {type(error).__name__}: {shorten(error)}. "
            "Name a function that takes nothing and returns a network."
        ) from error
    return made if isinstance(made, Backbone) else from_module(made, name=attribute)
