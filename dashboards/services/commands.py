"""Command lines that make the next version of a model."""

from __future__ import annotations

from shlex import quote

from imgsim.mlflow.download import Version
from imgsim.mlflow.registry import PREFIX

SAMPLE = f"{PREFIX}sample"
"""The model of the packaged pictures, which ``imgsim run`` takes when it is given no others."""
PICTURES = "path/to/pictures"
"""Stands for the images of a model; the registry does not keep where they are."""
PACKAGED, FETCHED = "mini", "mobilenet_v2"
"""A network that comes along, and one of torchvision, which fetches its weights once."""


def pipeline_command(version: Version) -> str:
    """Write the command of the pipeline over the pictures of a model, with the same network."""
    return _run(version, version.tags.get("imgsim.backbone", PACKAGED))


def other_network_command(version: Version) -> str:
    """Write the command of the pipeline over the pictures of a model, with another network."""
    return _run(version, FETCHED if version.tags.get("imgsim.backbone", PACKAGED) == PACKAGED else PACKAGED)


def _run(version: Version, backbone: str) -> str:
    words = ["imgsim run"]
    if version.name != SAMPLE:
        words += [PICTURES, f"--collection {quote(version.name.removeprefix(PREFIX))}"]
    if backbone != PACKAGED:
        words.append(f"--backbone {quote(backbone)}")
    return " ".join(words)
