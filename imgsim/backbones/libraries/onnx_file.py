"""A network in an ONNX file as a backbone: neither torch nor code of a library runs."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL.Image import Resampling

from imgsim.backbones.libraries.folder import read_config
from imgsim.backbones.libraries.huggingface.input import InputSettings, interpolation, normalisation, sizes
from imgsim.backbones.onnx_check import check_onnx
from imgsim.backbones.onnx_pixels import PictureInput, write_pixel_network
from imgsim.backbones.options import NetworkOptions
from imgsim.backbones.spec import IMAGENET_MEAN, IMAGENET_STD, Backbone, make_spec
from imgsim.errors import ArgumentError, BackboneError
from imgsim.io.error_text import explain
from imgsim.io.paths import expand

CONFIG = "preprocessor_config.json"
_FLOAT = 1  # onnx.TensorProto
_NUMBER = (int, float)


def load(name: str, options: NetworkOptions) -> Backbone:
    """Return the network of an ONNX file that maps normalised float32 pictures to features.

    Sizes, mean, standard deviation, scale of the pixels, interpolation and crop come from a
    ``preprocessor_config.json`` beside it, as transformers writes it, else they are ImageNet's. The feature is the
    output ``image_embeds`` or ``pooler_output``, else the first; maps are averaged over space, tokens over tokens.

    Raises
    ------
    BackboneError, ModelFormatError
        The file cannot be read, is not safe to run, or takes no picture; the config beside it is none.
    ArgumentError
        An option that it does not have.
    """
    path = expand(name, "the file of onnx:")
    options.refuse_others(f"onnx:{name}", "image_size", "resize")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BackboneError(f"cannot read the network {path}: {explain(error)}.") from error
    check_onnx(path, data)
    own = _input(path, data)
    found = _settings(path, own, options)
    crop_from = found.crop_from(options.resize, f"onnx:{name}")
    spec = make_spec(
        "onnx",
        hashlib.sha256(data).hexdigest(),
        (found.height, found.width),
        found.mean,
        found.std,
        f"file {path.name}",
        "not stated",
        interpolation=found.interpolation,
        crop_from=crop_from,
        crop_floor=bool(crop_from),
    )
    spec = replace(spec, name=f"onnx:{name}")

    def no_torch() -> Any:
        raise BackboneError(f"{spec.name} is an ONNX file and no torch network; it runs with device='cpu'.")

    return Backbone(spec, no_torch, lambda target: write_pixel_network(path, data, own, spec, target))


def _input(path: Path, data: bytes) -> PictureInput:
    import onnx

    graph = onnx.load_model_from_string(data).graph
    stored = {tensor.name for tensor in graph.initializer}
    inputs = [item for item in graph.input if item.name not in stored]
    kind = inputs[0].type.tensor_type if len(inputs) == 1 else None
    shape = [] if kind is None else [max(axis.dim_value, 0) for axis in kind.shape.dim]
    if kind is None or kind.elem_type != _FLOAT or len(shape) != 4 or shape[0] > 1:
        raise BackboneError(f"{path} does not take one float32 picture (1, 3, height, width) alone.")
    last = shape[3] == 3 and shape[1] != 3
    height, width = shape[1:3] if last else shape[2:4]
    return PictureInput(inputs[0].name, (height, width), last)


def _settings(path: Path, own: PictureInput, options: NetworkOptions) -> InputSettings:
    """Return what the config beside the file describes, at the size that the file or the user states."""
    file = path.parent / CONFIG
    config = {key: value for key, value in (read_config(file) if file.is_file() else {}).items() if value is not None}
    values = _plain({"image_mean": IMAGENET_MEAN, "image_std": IMAGENET_STD} | config)
    try:
        stated = sizes(values)
        mean, std = normalisation(values)
        sampling = interpolation(values, Resampling.BICUBIC)
    except (ValueError, OverflowError) as error:
        raise BackboneError(f"{file} does not describe the preprocessing: {error}.") from error
    (height, width), shorter = stated or (_size(path, own, options, (0, 0)), 0)
    if options.resize == "model" and stated is None:
        raise ArgumentError(f"no {CONFIG} beside {path} states a crop; use resize='stretch'.")
    described = InputSettings(height, width, mean, std, sampling, shorter)
    return described.at(*_size(path, own, options, (height, width)))


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Return the config with sizes that are one number written out, as transformers' older versions left them."""
    crop = values.get("crop_size")
    cropped = values.get("do_center_crop", bool(crop))
    square = ("height", "width")
    edges = {"size": ("shortest_edge",) if cropped or "crop_pct" in values else square, "crop_size": square}
    changed = {key: dict.fromkeys(of, values[key]) for key, of in edges.items() if isinstance(values.get(key), _NUMBER)}
    return values | {"do_center_crop": cropped} | changed


def _size(path: Path, own: PictureInput, options: NetworkOptions, stated: tuple[int, int]) -> tuple[int, int]:
    """Return (height, width): the file's, else the user's, else the stated."""
    fixed = max(own.size)
    height, width = (
        axis or options.image_size or wanted or fixed for axis, wanted in zip(own.size, stated, strict=True)
    )
    if not height:
        raise ArgumentError(f"{path} does not state the size of its pictures: give image_size=.")
    if options.image_size and (height, width) != (options.image_size, options.image_size):
        raise ArgumentError(f"{path} takes pictures of {height} x {width} pixels only; leave image_size= out.")
    return height, width
