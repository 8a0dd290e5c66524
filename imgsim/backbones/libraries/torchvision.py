"""torchvision's classification networks as backbones, without their last linear layer."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imgsim.backbones.libraries.state_dict import not_weights, read_state
from imgsim.backbones.options import NetworkOptions
from imgsim.backbones.spec import IMAGENET_MEAN, IMAGENET_STD, Backbone, make_spec, weights_digest
from imgsim.errors import BackboneError
from imgsim.io.error_text import shorten

if TYPE_CHECKING:
    from torch import nn

LICENCE = "BSD-3-Clause code; weights trained on ImageNet, see torchvision"


def load(name: str, options: NetworkOptions) -> Backbone:
    """Return a network of torchvision's registry with its own input size, mean and standard deviation.

    Raises
    ------
    BackboneError
        A weights file that is missing or does not fit (found when the network is built);
        a download that failed.
    """
    from torchvision import models

    options.refuse_others(name, "weights", "image_size", "resize")
    weights = options.weights
    enum = models.get_model_weights(name).DEFAULT
    preset = enum.transforms()
    size = options.image_size or preset.crop_size[0]
    crop_from = round(size * preset.resize_size[0] / preset.crop_size[0]) if options.resize == "model" else 0
    mean = tuple(getattr(preset, "mean", IMAGENET_MEAN))
    std = tuple(getattr(preset, "std", IMAGENET_STD))
    if weights is None:
        content, source = enum.url, enum.name
    elif str(weights) == "random":
        content, source = "random", "random, untrained"
    else:
        content, source = weights_digest(Path(weights)), f"file {Path(weights).name}"
    spec = make_spec(
        name,
        content,
        (size, size),
        mean,
        std,
        source,
        LICENCE,
        interpolation=preset.interpolation.value,
        crop_from=crop_from,
    )
    return Backbone(spec, lambda: remove_classifier(_with_classifier(name, weights, enum)).eval())


def _with_classifier(name: str, weights: str | Path | None, enum: Any) -> nn.Module:
    if weights is None:
        return _download(name, enum)
    import torch
    from torchvision import models

    with torch.random.fork_rng():
        torch.manual_seed(0)
        module: nn.Module = models.get_model(
            name, weights=None, **_factory_options(name, random=str(weights) == "random")
        )
    if str(weights) != "random":
        _load(module, name, Path(weights))
    return module


def _factory_options(name: str, random: bool) -> dict[str, Any]:
    if name not in ("googlenet", "inception_v3"):
        return {}
    return {"aux_logits": True, "transform_input": not random, "init_weights": random}


def _download(name: str, enum: Any) -> nn.Module:
    from torchvision import models

    try:
        with redirect_stdout(sys.stderr):  # torch prints its progress to stdout
            module: nn.Module = models.get_model(name, weights=enum, progress=True)
    except Exception as error:
        raise BackboneError(
            f"the weights of {name} could not be downloaded from {enum.url}: {error}. "
            f"Offline: use backbone='mini' (packaged), or pass weights='path/to/{name}.pth'."
        ) from error
    return module


def _load(module: nn.Module, name: str, path: Path) -> None:
    network = f"torchvision's {name}"
    try:
        module.load_state_dict(read_state(path, network))
    except RuntimeError as error:
        raise not_weights(path, network, shorten(error)) from error


def remove_classifier(module: nn.Module) -> nn.Module:
    """Remove the last linear layer of the classifier in place; its input becomes the feature.

    SqueezeNet has no linear layer: its 512 channels are averaged over space instead.
    """
    from torch import nn

    found = _last_linear(module)
    if found is None:
        module.classifier = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        return module
    parent_name, _, last = found[0].rpartition(".")
    setattr(module.get_submodule(parent_name), last, nn.Identity())
    return module


def classifier(name: str, weights: str | Path | None) -> nn.Linear | None:
    """Return the linear layer that `remove_classifier` removes, features to classes; None if there is none."""
    from torchvision import models

    if name not in models.list_models(module=models):
        return None
    found = _last_linear(_with_classifier(name, weights, models.get_model_weights(name).DEFAULT))
    return None if found is None else found[1]


def _last_linear(module: nn.Module) -> tuple[str, nn.Linear] | None:
    from torch import nn

    linears = [(key, layer) for key, layer in module.named_modules() if isinstance(layer, nn.Linear)]
    heads = [(key, layer) for key, layer in linears if not key.startswith(("aux", "AuxLogits"))]
    return heads[-1] if heads else None
