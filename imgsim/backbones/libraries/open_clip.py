"""open_clip's image-text networks as backbones with a text tower: ``open_clip:MODEL/PRETRAINED``, or a folder.

The feature is ``encode_image``, not normalised: the projection brings it to length 1 by itself, and texts are compared
with its direction (`imgsim.references.text_space`).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imgsim.backbones.libraries.hub import HUB, LOCAL, content_digest, find_file, network_folder
from imgsim.backbones.libraries.licences import UNKNOWN, warn_unless_free
from imgsim.backbones.libraries.model_card import CARD, card_licence
from imgsim.backbones.libraries.open_clip_network import (
    Source,
    image_module,
    make_network,
    make_tokenizer,
    text_module,
)
from imgsim.backbones.options import NetworkOptions
from imgsim.backbones.spec import Backbone, Triple, make_spec
from imgsim.backbones.text.tower import TextTower
from imgsim.distribution import install_command
from imgsim.errors import BackboneError, MissingExtraError
from imgsim.io.error_text import shorten
from imgsim.io.untrusted import read_json

if TYPE_CHECKING:
    from torch import nn

CONFIG = "open_clip_config.json"
WEIGHTS = (
    "open_clip_model.safetensors",
    "open_clip_pytorch_model.safetensors",
    "model.safetensors",
    "open_clip_pytorch_model.bin",
    "open_clip_pytorch_model.pth",
    "pytorch_model.bin",
)
_BESIDES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.json", "merges.txt", CARD)


def load(name: str, options: NetworkOptions) -> Backbone:
    """Return an image-text network of open_clip.

    Parameters
    ----------
    name : str
        ``MODEL/PRETRAINED`` or ``MODEL__PRETRAINED``, where ``PRETRAINED`` is one of open_clip's tags; ``MODEL`` alone
        with ``weights``; or ``hf-hub:ID`` or ``local-dir:FOLDER`` of a folder with ``open_clip_config.json``.
    options : NetworkOptions
        There is no ``pooling``: another vector than open_clip's would not lie in the space of the texts.

    Raises
    ------
    MissingExtraError
        open_clip is not installed.
    BackboneError
        An unknown name, weights that are missing or do not fit, or a way of resizing that imgsim does not have.
    """
    _library()
    options.refuse_others("a network of open_clip", "weights", "image_size", "resize", "revision", "cache_dir")
    source = _source(name, options)
    vision, text = source.config["vision_cfg"], source.config["text_cfg"]
    size = _pair(options.image_size or vision.get("image_size", 224))
    found = source.preprocessing
    content = "random" if source.weights is None else content_digest(source.weights)
    identity = json.dumps([content, source.config], sort_keys=True)
    given = name if name.startswith((HUB, LOCAL)) else f"open_clip:{name}"
    if source.weights is not None:
        warn_unless_free(given, source.licence)
    spec = make_spec(
        "open_clip" if source.architecture.startswith(LOCAL) else f"open_clip:{source.architecture}",
        hashlib.sha256(identity.encode()).hexdigest(),
        size,
        _triple(found["mean"]),
        _triple(found["std"]),
        source.origin,
        source.licence,
        interpolation=found["interpolation"],
        crop_from=_crop_from(found["resize_mode"], size, options, name),
        revision=options.revision or "",
        has_text=True,
    )

    def build() -> nn.Module:
        return image_module(make_network(source, options))

    def tower() -> TextTower:
        network = make_network(source, options)
        tokenizer, ids_of = make_tokenizer(source, options)
        bias = getattr(network, "logit_bias", None)
        return TextTower(
            text_module(network),
            tokenizer,
            int(text.get("context_length", 77)),
            float(network.logit_scale.detach().exp()),
            None if bias is None else float(bias.detach()),
            ids_of,
        )

    return Backbone(replace(spec, name=given), build, text=tower)


def _library() -> Any:
    try:
        import open_clip
    except ImportError as error:
        raise MissingExtraError(
            f"Networks called open_clip:... need the library open_clip: {install_command('clip')}."
        ) from error
    return open_clip


def _source(name: str, options: NetworkOptions) -> Source:
    """Find configuration and weights; weights are downloaded if need be."""
    given = None if options.weights is None or options.random else Path(options.weights)
    if name.startswith((HUB, LOCAL)):
        return _from_folder(name, options, given)
    open_clip = _library()
    model, tag = _split(name, open_clip)
    if options.weights is not None:
        origin = "random, untrained" if given is None else f"file {given.name}"
        weights, chosen, licence = given, {}, UNKNOWN
    elif tag is None:
        tags = ", ".join(open_clip.list_pretrained_tags_by_model(model)) or "none"
        raise BackboneError(f"{name!r} does not say which weights: write open_clip:{model}/PRETRAINED, one of {tags}.")
    else:
        chosen = open_clip.get_pretrained_cfg(model, tag)
        weights, origin = _downloaded(name, chosen, options), f"{model}/{tag}"
        licence = card_licence(weights.parent)
    if tag is not None and not chosen:
        chosen = open_clip.get_pretrained_cfg(model, tag)
    config = open_clip.get_model_config(model)
    if chosen.get("quick_gelu"):  # as these weights were trained; open_clip only warns
        config["quick_gelu"] = True
    return Source(model, config, _preprocessing(chosen), weights, origin, licence)


def _split(name: str, open_clip: Any) -> tuple[str, str | None]:
    """Return the architecture and the tag of the weights; open_clip writes ``/`` in architectures as ``-``."""
    known = open_clip.list_models()
    if (whole := name.replace("/", "-")) in known:
        return whole, None
    model, _, tag = name.partition("__") if "__" in name else name.rpartition("/")
    model = model.replace("/", "-")
    tags = open_clip.list_pretrained_tags_by_model(model)
    if model in known and (tag in tags or tag.replace("-", "_") in tags):
        return model, tag
    from difflib import get_close_matches

    if model in known:
        raise BackboneError(f"open_clip has no weights {tag!r} for {model}; it has {', '.join(tags) or 'none'}.")
    near = ", ".join(get_close_matches(model or name, known, 4))
    hint = f" Near: {near}." if near else ""
    raise BackboneError(f"open_clip has no network {model or name!r}.{hint} All: open_clip.list_pretrained().")


def _downloaded(name: str, chosen: dict[str, Any], options: NetworkOptions) -> Path:
    """Return the cached file of a tag's weights."""
    place = str(chosen.get("hf_hub", ""))
    if place:
        repository, _, file = place.rpartition("/")
        stem = file.rpartition(".")[0]
        wanted = [f"{stem}.safetensors", file] if stem else list(WEIGHTS)
        folder = network_folder(f"{HUB}{repository}", options, [wanted], [CARD])
        return find_file(folder, wanted) or folder / file
    open_clip = _library()
    try:
        found: str = open_clip.download_pretrained(chosen, cache_dir=options.cache_dir and str(options.cache_dir))
    except Exception as error:
        raise BackboneError(
            f"the weights of open_clip:{name} could not be downloaded from {chosen.get('url')}: {shorten(error)}. "
            "Offline: pass weights='FILE' with its state dict."
        ) from error
    return Path(found)


def _from_folder(name: str, options: NetworkOptions, given: Path | None) -> Source:
    own = options.weights is None
    folder = network_folder(name, options, [[CONFIG], *([WEIGHTS] if own else [])], _BESIDES)
    try:
        values = read_json(folder / CONFIG)
        config, preprocessing = dict(values["model_cfg"]), _preprocessing(values.get("preprocess_cfg", {}))
        config["vision_cfg"], config["text_cfg"] = dict(config["vision_cfg"]), dict(config["text_cfg"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackboneError(f"{folder / CONFIG} is no configuration of open_clip: {error}.") from error
    weights = find_file(folder, WEIGHTS) if own else given
    origin = "random, untrained" if weights is None else f"file {weights.name}"
    return Source(f"{LOCAL}{folder}", config, preprocessing, weights, origin, card_licence(folder))


def _preprocessing(overlay: dict[str, Any]) -> dict[str, Any]:
    from open_clip.transform import PreprocessCfg, merge_preprocess_dict

    found: dict[str, Any] = merge_preprocess_dict(PreprocessCfg(), overlay)
    return found


def _pair(size: Any) -> tuple[int, int]:
    height, width = (size, size) if isinstance(size, int) else size
    return int(height), int(width)


def _triple(values: Any) -> Triple:
    red, green, blue = map(float, values)
    return red, green, blue


def _crop_from(mode: str, size: tuple[int, int], options: NetworkOptions, name: str) -> int:
    if options.resize == "stretch" or mode == "squash":
        return 0
    if mode == "shortest" and size[0] == size[1]:
        return size[0]
    raise BackboneError(
        f"{name} resizes pictures by {mode!r} to {size[0]} x {size[1]}, which imgsim does not do; use resize='stretch'."
    )
