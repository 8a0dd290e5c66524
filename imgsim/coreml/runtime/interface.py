"""Inputs and outputs of a Core ML model as its description declares them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from imgsim.errors import UnsupportedOperationError

_COLORS = {20: "RGB", 30: "BGR"}
_DTYPES = {65568: "float32", 65552: "float16", 65600: "float64", 131104: "int32", 131080: "int8"}


@dataclass(frozen=True)
class Feature:
    """Input or output of a Core ML model.

    ``kind`` is ``"image"``, ``"array"``, ``"string"``, ``"int64"`` or ``"dictionary"``. ``shape`` is
    (height, width, 3) of an image, the array's own otherwise, and empty where none is declared;
    ``dtype`` is NumPy's name; ``color`` is ``"RGB"`` or ``"BGR"``: the order in which the network
    sees an image's channels.
    """

    name: str
    kind: str
    shape: tuple[int, ...] = ()
    dtype: str = ""
    color: str = ""


def read_feature(message: Any) -> Feature:
    """Convert a ``Feature`` message of `imgsim.coreml.runtime.protobuf`.

    Raises
    ------
    UnsupportedOperationError
        A colour space or an element type that imgsim does not know.
    """
    kind = message.type
    if kind.HasField("imageType"):
        image = kind.imageType
        color = _known(_COLORS, image.colorSpace, message.name, "colour space")
        return Feature(message.name, "image", (int(image.height), int(image.width), 3), "uint8", color)
    if kind.HasField("multiArrayType"):
        array = kind.multiArrayType
        dtype = _known(_DTYPES, array.dataType, message.name, "array type")
        return Feature(message.name, "array", tuple(int(size) for size in array.shape), dtype)
    for field, name in (("stringType", "string"), ("int64Type", "int64"), ("dictionaryType", "dictionary")):
        if kind.HasField(field):
            return Feature(message.name, name)
    raise UnsupportedOperationError("feature type", f"the feature {message.name!r} is of a kind imgsim does not read.")


def _known(names: dict[int, str], code: int, feature: str, what: str) -> str:
    if code not in names:
        raise UnsupportedOperationError(f"{what} {code}", f"the feature {feature!r} has the unknown {what} {code}.")
    return names[code]
