"""Command lines that make the next version of a model."""

from __future__ import annotations

from shlex import quote

from dashboards.services.models.registry import PREFIX, Version

SAMPLE = f"{PREFIX}sample"
"""The model of the packaged pictures, which ``make demo`` takes when it is given no others."""
PACKAGED, FETCHED = "mini", "mobilenet_v2"
"""A network that comes along, and one of torchvision, which fetches its weights once."""


def again(version: Version) -> str:
    """The pipeline over the pictures of a model, with the same network."""
    return _demo(version, version.tags.get("imgsim.backbone", PACKAGED))


def with_another_network(version: Version) -> str:
    """The pipeline over the pictures of a model, with a network that this version does not have."""
    return _demo(version, FETCHED if version.tags.get("imgsim.backbone", PACKAGED) == PACKAGED else PACKAGED)


def _demo(version: Version, backbone: str) -> str:
    words = ["make demo"]
    if version.name != SAMPLE:
        words += [f"COLLECTION={quote(version.name.removeprefix(PREFIX))}", "IMAGES=path/to/pictures"]
    if backbone != PACKAGED:
        words.append(f"BACKBONE={quote(backbone)}")
    return " ".join(words)
