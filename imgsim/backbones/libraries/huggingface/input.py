"""Preprocessing as ``preprocessor_config.json`` describes it, transformers' format."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PIL.Image import Resampling

from imgsim.backbones.spec import Triple
from imgsim.errors import BackboneError
from imgsim.io.error_text import shorten

_HUGE = 1e9  # products of such numbers and of their inverses are float32
_MAX_SIDE = 65_535
_SQUARE_FROM = 384  # ConvNeXt's processor stretches from this size on, and crops below it


@dataclass(frozen=True)
class InputSettings:
    """Input of a network: its size in pixels, normalisation of RGB in [0, 1], and how pictures come to that size.

    ``shorter_side`` is the size of the shorter side before the centre is cut out; 0 where pictures are stretched.
    """

    height: int
    width: int
    mean: Triple
    std: Triple
    interpolation: str
    shorter_side: int

    def at(self, height: int, width: int) -> InputSettings:
        """Return the same for another input size; what is cut off stays the same share, of the longer axis at least."""
        shorter = max(self.shorter_side * height / self.height, self.shorter_side * width / self.width)
        return replace(self, height=height, width=width, shorter_side=round(shorter))

    def crop_from(self, resize: str, name: str) -> int:
        """Return the size of the shorter side before the centre is cut out, for the option ``resize``; 0 if stretched.

        Raises
        ------
        BackboneError
            The picture would have to be filled up.
        """
        if resize == "stretch" or not self.shorter_side:
            return 0
        if self.shorter_side < max(self.height, self.width):
            raise BackboneError(
                f"{name} resizes the shorter side of pictures to {self.shorter_side} pixels and fills up to "
                f"{self.height} x {self.width}, which imgsim does not do; use resize='stretch'."
            )
        return self.shorter_side


def input_settings(folder: Path, config: Any, name: str) -> InputSettings:
    """Read the description of a network's input.

    Raises
    ------
    BackboneError
        It cannot be read, or asks for something else than pictures of one size.
    """
    import transformers

    processors: Any = transformers.AutoImageProcessor
    own = getattr(getattr(config, "vision_config", config), "image_size", None)
    try:
        values = processors.from_pretrained(folder, trust_remote_code=False, local_files_only=True).to_dict()
        found = sizes(values, own if isinstance(own, int) else 0)
        mean, std = normalisation(values)
        sampling = interpolation(values, Resampling.BILINEAR)
    except Exception as error:
        raise BackboneError(f"the preprocessing of {name} in {folder} cannot be read: {shorten(error)}.") from error
    if found is None:
        raise BackboneError(
            f"{name} takes pictures of no fixed size ({values.get('size')}), which imgsim does not do; "
            "name another network."
        )
    (height, width), shorter = found
    return InputSettings(height, width, mean, std, sampling, shorter)


def sizes(values: dict[str, Any], own: int = 0) -> tuple[tuple[int, int], int] | None:
    """Return height and width of the input, and the shorter side before the crop (0: stretched).

    ``own`` is the side where nothing states one; the result is None without.

    Raises
    ------
    ValueError
        A size is no whole number above 0.
    """
    size = values.get("size") if values.get("do_resize", True) else None
    crop = values.get("crop_size") if values.get("do_center_crop") else None
    shorter = _number(size, "size", "shortest_edge")
    if values.get("crop_pct") is not None and shorter:  # ConvNeXt
        return (shorter, shorter), 0 if shorter >= _SQUARE_FROM else int(shorter / _positive(values, "crop_pct"))
    square = _number(size, "size", "height"), _number(size, "size", "width")
    if crop:
        height, width = _number(crop, "crop_size", "height"), _number(crop, "crop_size", "width")
        if not height or not width:
            raise ValueError(f"crop_size is {crop!r}, and not height and width")
        return (height, width), shorter or (0 if square == (height, width) else min(square))
    if all(square):
        return square, 0
    side = shorter or own
    return ((side, side), side if shorter else 0) if side else None


def normalisation(values: dict[str, Any]) -> tuple[Triple, Triple]:
    """Return mean and standard deviation for RGB in [0, 1], whatever the network's own scale of pixels is.

    Raises
    ------
    ValueError
        They are not three finite numbers, or a standard deviation or the scale is not above 0.
    """
    scale = 255.0
    if values.get("do_rescale", True):
        scale *= _positive({"rescale_factor": 1 / 255} | values, "rescale_factor")
    if not values.get("do_normalize", True):
        return (0.0, 0.0, 0.0), (1 / scale, 1 / scale, 1 / scale)
    mean, std = _triple(values, "image_mean", scale), _triple(values, "image_std", scale)
    if min(std) * scale < 1 / _HUGE:
        raise ValueError(f"image_std is {values['image_std']!r}, and not above 0")
    return mean, std


def interpolation(values: dict[str, Any], default: int) -> str:
    """Return the name of Pillow's filter that ``resample`` states by its number.

    Raises
    ------
    ValueError
        Pillow has no filter of that number.
    """
    value = values.get("resample") if values.get("do_resize", True) else None
    value = default if value is None else value
    if not isinstance(value, int) or isinstance(value, bool) or value not in list(Resampling):
        known = ", ".join(f"{item.value} ({item.name.lower()})" for item in sorted(Resampling))
        raise ValueError(f"resample is {value!r}, and none of {known}")
    return Resampling(value).name.lower()


def _number(size: Any, key: str, edge: str) -> int:
    """Return an edge of a size in pixels, 0 if it is not stated."""
    if size and not hasattr(size, "get"):
        raise ValueError(f"{key} is {size!r}, and no object with height and width or shortest_edge")
    value = size.get(edge) if size else None
    if value is None:
        return 0
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if not whole or isinstance(value, bool) or not 0 < value <= _MAX_SIDE:
        raise ValueError(f"{edge} of {key} is {value!r}, and no whole number from 1 to {_MAX_SIDE}")
    return int(value)


def _positive(values: dict[str, Any], key: str) -> float:
    value = values[key]
    if not _is_number(value) or value < 1 / _HUGE:
        raise ValueError(f"{key} is {value!r}, and no finite number above 0")
    return float(value)


def _triple(values: dict[str, Any], key: str, scale: float) -> Triple:
    value = values.get(key)
    found = [value] * 3 if _is_number(value) else value
    if not isinstance(found, (list, tuple)) or len(found) != 3 or not all(map(_is_number, found)):
        raise ValueError(f"{key} is {value!r}, and not three finite numbers")
    red, green, blue = found
    return float(red) / scale, float(green) / scale, float(blue) / scale


def _is_number(value: Any) -> bool:
    known = isinstance(value, (int, float)) and not isinstance(value, bool)
    return known and abs(value) < _HUGE and math.isfinite(value)
