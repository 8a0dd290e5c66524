"""Options of an export, validated before anything is computed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from imgsim import arguments
from imgsim.arguments import DEFAULT_K
from imgsim.errors import ArgumentError

OUTPUTS = ("distance", "topk", "classifier", "features")
PRECISIONS = ("mixed", "float16", "float32")
COMPRESSIONS = ("int8",)
TARGETS = ("iOS15", "iOS16", "iOS17", "iOS18", "iOS26")
SUFFIXES = (".mlpackage", ".mlmodel")
_NETWORK_OUTPUTS = ("distance", "features")
_OLDEST_INT8 = "iOS16"


@dataclass(frozen=True)
class ExportOptions:
    """Validated options of an export; the parameters are those of `imgsim.coreml.export.export.export_coreml`.

    ``program`` tells an ML Program (``.mlpackage``) from a NeuralNetwork (``.mlmodel``).
    """

    outputs: str = "distance"
    k: int = DEFAULT_K
    precision: str | None = None
    compress: str | None = None
    minimum_target: str = "iOS16"
    program: bool = True

    def __post_init__(self) -> None:
        _one_of("outputs", self.outputs, OUTPUTS)
        _one_of("minimum_target", self.minimum_target, TARGETS)
        if self.precision is not None:
            _one_of("precision", self.precision, PRECISIONS)
        arguments.positive_int(self.k, "k")
        if self.compress is not None:
            self._check_compression()
        if not self.program and self.outputs not in _NETWORK_OUTPUTS:
            raise ArgumentError(
                f"outputs={self.outputs!r} needs an ML Program: write to a path that ends in .mlpackage. A .mlmodel "
                f"gives {' or '.join(_NETWORK_OUTPUTS)}."
            )
        if not self.program and self.precision not in (None, "float32"):
            raise ArgumentError(
                f"precision={self.precision!r} needs an ML Program: write to a path that ends in .mlpackage. In a "
                ".mlmodel the device chooses its precision; leave precision out."
            )

    def _check_compression(self) -> None:
        _one_of("compress", self.compress, COMPRESSIONS)
        if not self.program:
            raise ArgumentError("compress='int8' needs an ML Program: write to a path that ends in .mlpackage.")
        if TARGETS.index(self.minimum_target) < TARGETS.index(_OLDEST_INT8):
            raise ArgumentError(
                f"compress='int8' needs {_OLDEST_INT8} or newer, not {self.minimum_target}: raise minimum_target, or "
                "leave compress out."
            )
        if self.outputs == "features":
            raise ArgumentError("compress='int8' is for reference rows, and outputs='features' exports none.")

    @property
    def arithmetic(self) -> str:
        """Precision in use: by default ``"mixed"`` in an ML Program, ``"float32"`` in a NeuralNetwork."""
        return self.precision or ("mixed" if self.program else "float32")


def is_program(path: Path) -> bool:
    """Tell by the suffix if a path asks for an ML Program (True) or a NeuralNetwork (False).

    Raises
    ------
    ArgumentError
        It is neither ``.mlpackage`` nor ``.mlmodel``.
    """
    if path.suffix not in SUFFIXES:
        raise ArgumentError(
            f"{path} must end in .mlpackage (an ML Program, iOS 15 and newer) or .mlmodel (a NeuralNetwork, iOS 13 "
            "and newer)."
        )
    return path.suffix == ".mlpackage"


def _one_of(name: str, value: object, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ArgumentError(f"{name} must be one of {', '.join(known)}, not {value!r}.")
