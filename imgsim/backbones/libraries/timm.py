"""timm's networks as backbones, by name or from a folder with timm's ``config.json``."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from imgsim.backbones.libraries.folder import CONFIG, read_config
from imgsim.backbones.libraries.hub import HUB, LOCAL, content_digest, find_file, network_folder
from imgsim.backbones.libraries.licences import UNKNOWN, warn_unless_free
from imgsim.backbones.libraries.timm_network import TimmNetwork, build
from imgsim.backbones.options import NetworkOptions
from imgsim.backbones.spec import IMAGENET_MEAN, IMAGENET_STD, Backbone, Triple, make_spec
from imgsim.errors import ArgumentError, BackboneError
from imgsim.io.error_text import shorten

WEIGHTS = ("model.safetensors", "pytorch_model.bin")
_OPEN_CLIP_WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
_SHOWN = ("input_size", "interpolation", "mean", "std", "crop_pct", "crop_mode", "license", "num_classes", "classifier")
_OURS = ("num_classes", "pretrained", "pretrained_cfg", "pretrained_cfg_overlay", "checkpoint_path", "cache_dir")
_SOURCES = ("url", "file", "state_dict", "source", "custom_load", "hf_hub_id", "hf_hub_filename")


def load(name: str, options: NetworkOptions) -> Backbone:
    """Return a network of timm with its own input size, mean, standard deviation, interpolation and crop.

    Parameters
    ----------
    name : str
        ``ARCHITECTURE[.TAG]`` as timm writes it, ``hf-hub:ID`` or ``local-dir:FOLDER``.
    options : NetworkOptions

    Raises
    ------
    BackboneError
        An unknown name; weights that are not here and cannot be downloaded, or do not fit (found when it is built).
    ArgumentError
        ``resize="model"`` for a network whose pictures are cut in a way that `BackboneSpec` cannot say.
    """
    folder = None
    if name.startswith((HUB, LOCAL)):
        given, folder = name, network_folder(name, options, [[CONFIG], *([] if options.weights else [WEIGHTS])])
        network, config = _from_config(folder / CONFIG, options)
    else:
        given = f"timm:{name}"
        network, config = _from_registry(name, options)
    content, source, weights = _weights(given, config, folder, options)
    licence = str(config.get("license") or UNKNOWN)
    if not (options.random and licence == UNKNOWN):
        warn_unless_free(given, licence)
    network = replace(network, called=given, weights=weights)
    size = network.size
    spec = make_spec(
        f"timm:{network.architecture}",
        f"{content} {json.dumps(network.arguments, sort_keys=True)}" if network.arguments else content,
        size,
        _triple(config, "mean", IMAGENET_MEAN),
        _triple(config, "std", IMAGENET_STD),
        source,
        licence,
        interpolation=str(config.get("interpolation") or "bicubic"),
        crop_from=_crop_from(given, config, size) if options.resize == "model" else 0,
        pooling=options.pooling,
        revision=options.revision or "",
    )
    return Backbone(replace(spec, name=given), lambda: build(network))


def _from_registry(name: str, options: NetworkOptions) -> tuple[TimmNetwork, dict[str, Any]]:
    import timm

    architecture = name.partition(".")[0]
    try:
        config: Any = timm.get_pretrained_cfg(name) if timm.is_model(architecture) else None
    except RuntimeError:  # no such tag
        config = None
    if config is None:
        raise BackboneError(f"timm has no network {name!r}.{_near(name)} All: timm.list_models(pretrained=True).")
    values: dict[str, Any] = config.to_dict()
    return _network(architecture, values, {}, options), values


def _near(name: str) -> str:
    from difflib import get_close_matches

    import timm

    near = get_close_matches(name, [*timm.list_models(), *timm.list_models(pretrained=True)], 4)
    return f" Near: {', '.join(near)}." if near else ""


def _from_config(path: Path, options: NetworkOptions) -> tuple[TimmNetwork, dict[str, Any]]:
    """Read the architecture and its configuration as timm writes them to the hub; nothing in it names code."""
    import timm

    values = read_config(path)
    try:
        architecture = str(values["architecture"])
        arguments = {key: value for key, value in dict(values.get("model_args") or {}).items() if key not in _OURS}
        config = {key: value for key, value in values.items() if key in _SHOWN}
        config |= {key: value for key, value in dict(values.get("pretrained_cfg") or {}).items() if key not in _SOURCES}
        if global_pool := values.get("global_pool"):
            arguments.setdefault("global_pool", global_pool)
        config |= {"mean": _triple(config, "mean", IMAGENET_MEAN), "std": _triple(config, "std", IMAGENET_STD)}
        config["input_size"] = tuple(map(int, config.get("input_size") or (3, 224, 224)))
        config["crop_pct"] = float(config.get("crop_pct") or 0.875)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BackboneError(f"{path} does not describe a network of timm: {shorten(error)}.") from error
    if not timm.is_model(architecture):
        raise BackboneError(f"{path} names the architecture {architecture!r}, which timm {version('timm')} lacks.")
    return _network(architecture, config, arguments, options), config


def _network(
    architecture: str, config: Mapping[str, Any], arguments: dict[str, Any], options: NetworkOptions
) -> TimmNetwork:
    channels, *own = config.get("input_size") or (3, 224, 224)
    if channels != len(IMAGENET_MEAN):
        raise BackboneError(f"timm's {architecture} takes {channels} channels; only networks for RGB pictures fit.")
    height, width = (options.image_size, options.image_size) if options.image_size else own
    resized = [height, width] != own
    return TimmNetwork(
        architecture, str(config.get("tag") or ""), dict(config), arguments, (height, width), resized, options.pooling
    )


def _weights(
    name: str, config: Mapping[str, Any], folder: Path | None, options: NetworkOptions
) -> tuple[str, str, Path | None]:
    """Return the digest of the weights, their source in words, and their file; None for random ones."""
    if options.random:
        return f"random by timm {version('timm')}", "random, untrained", None
    if options.weights is not None:
        path = Path(options.weights)
        return content_digest(path), f"file {path.name}", path
    if folder is None:
        names = _OPEN_CLIP_WEIGHTS if "open_clip" in str(config.get("hf_hub_filename")) else WEIGHTS
        folder = network_folder(_repository(name, config), options, [names])
        source = str(config["hf_hub_id"])
    else:
        names, source = WEIGHTS, name
    path = find_file(folder, names) or folder / names[0]
    return content_digest(path), source, path


def _repository(name: str, config: Mapping[str, Any]) -> str:
    if repository := config.get("hf_hub_id"):
        return str(repository)
    if not config.get("url"):
        raise BackboneError(f"timm has no weights for {name}: choose one of timm.list_models(pretrained=True).")
    raise BackboneError(f"the weights of {name} are not on the hub: download {config['url']} and pass weights='FILE'.")


def _triple(config: Mapping[str, Any], name: str, default: Triple) -> Triple:
    red, green, blue = config.get(name) or default
    return float(red), float(green), float(blue)


def _crop_from(name: str, config: Mapping[str, Any], size: tuple[int, int]) -> int:
    """Return the shorter side before the crop, as timm's evaluation transform computes it; 0 for a plain stretch."""
    share, mode = float(config.get("crop_pct") or 0.875), str(config.get("crop_mode") or "center")
    if mode == "squash" and share == 1:
        return 0
    if mode != "center" or size[0] != size[1]:
        raise ArgumentError(
            f"timm cuts the pictures of {name} in the mode {mode!r} from {share:.3g} of their sides, which is not "
            "supported; use resize='stretch'."
        )
    return math.floor(size[0] / share)
