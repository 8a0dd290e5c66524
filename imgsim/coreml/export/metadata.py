"""Metadata of a Core ML package: what Xcode shows, and what apps read."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from imgsim.coreml.export.convert import CLASS, SCORES
from imgsim.deployment.metadata import INPUT, MEANING

CROP = "scaleFill"
"""Vision's name of a stretch to the input size."""
_MEANING = MEANING | {CLASS: "Id of the nearest reference image.", SCORES: "1 / (1 + distance) by reference id."}


def made_with() -> dict[str, str]:
    """Return the versions of the libraries that convert."""
    return {"imgsim.coremltools": version("coremltools"), "imgsim.torch": version("torch")}


def describe(mlmodel: Any, about: dict[str, str], author: str, license: str, version: str, description: str) -> None:
    """Write the metadata that Xcode shows and that apps read into coremltools' ``mlmodel``."""
    mlmodel.author, mlmodel.license, mlmodel.version, mlmodel.short_description = author, license, version, description
    for key, value in about.items():
        mlmodel.user_defined_metadata[key] = value
    mlmodel.input_description[INPUT] = "The picture, stretched to this size (Vision: scaleFill)."
    for output in mlmodel.get_spec().description.output:
        mlmodel.output_description[output.name] = _MEANING[output.name]
