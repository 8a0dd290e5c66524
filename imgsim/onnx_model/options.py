"""Options of an export to ONNX, validated before anything is computed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from imgsim import arguments
from imgsim.arguments import DEFAULT_K
from imgsim.backbones.spec import BackboneSpec
from imgsim.deployment.publish import ONNX
from imgsim.errors import ArgumentError, OnnxModelError
from imgsim.onnx_model.filters import FILTERS

OUTPUTS = ("distance", "topk", "features")
COMPRESSIONS = ("int8",)


@dataclass(frozen=True)
class OnnxOptions:
    """Validated options of an export; the parameters are those of `imgsim.onnx_model.export_onnx`."""

    outputs: str = "distance"
    k: int = DEFAULT_K
    compress: str | None = None
    any_size: bool = True

    def __post_init__(self) -> None:
        arguments.one_of(self.outputs, OUTPUTS, "outputs")
        arguments.positive_int(self.k, "k")
        arguments.boolean(self.any_size, "any_size")
        if self.compress is not None:
            arguments.one_of(self.compress, COMPRESSIONS, "compress")
            if self.outputs == "features":
                raise ArgumentError("compress='int8' is for reference rows, and outputs='features' exports none.")

    def check_input(self, spec: BackboneSpec) -> None:
        """Refuse a network whose resizing the graph cannot hold.

        Raises
        ------
        OnnxModelError
            Names it and the way out.
        """
        remedy = f"pass any_size=False, and give the model pictures of {spec.width} x {spec.height} pixels"
        if self.any_size and spec.interpolation not in FILTERS:
            raise OnnxModelError(
                f"{spec.name} resizes pictures by {spec.interpolation}; known are {', '.join(FILTERS)}: {remedy}."
            )
        if self.any_size and 0 < spec.crop_from < max(spec.height, spec.width):
            raise OnnxModelError(
                f"{spec.name} takes a crop that is larger than the resized picture, which is left to Python: {remedy}."
            )


def check_path(path: Path) -> None:
    """Refuse a path that does not end in ``.onnx``.

    Raises
    ------
    ArgumentError
        It ends otherwise.
    """
    if path.suffix != ONNX:
        raise ArgumentError(f"{path} must end in {ONNX}.")
