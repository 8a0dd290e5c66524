"""Identity of a named network: what its features depend on, read without torch."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from imgsim.backbones.default import resolve_backbone
from imgsim.backbones.get import get_backbone
from imgsim.backbones.libraries.efficientnet_lite import WHEELS
from imgsim.backbones.options import NetworkOptions
from imgsim.backbones.spec import PREPROCESSING, weights_digest
from imgsim.io.paths import expand

_DISTRIBUTIONS = {"timm": "timm", "open_clip": "open_clip_torch", "transformers": "transformers"}
"""Libraries whose networks are known by name, weights, options and version; the others are asked for a fingerprint."""


def backbone_identity(backbone: str, weights: str = "", **options: Any) -> list[str]:
    """Return what decides the features of a named network, read without torch where that is possible.

    Equal lists mean equal features of the same image. ``options`` are those of
    `imgsim.backbones.options.NetworkOptions`. Factories and networks in folders are loaded for their fingerprint.

    Raises
    ------
    BackboneError
        The weights file cannot be read, or a factory cannot be imported.
    """
    name = resolve_backbone(backbone)
    chosen = NetworkOptions(weights or None, **options).checked()
    library, _, rest = name.partition(":")
    folder = library == "transformers" and expand(rest, "the folder of transformers:").is_dir()
    by_name = not rest or (library in {*_DISTRIBUTIONS, "torchvision"} and not folder)
    if not by_name or name == "mini" or name in WHEELS:
        return [name, get_backbone(name, weights or None, **options).spec.fingerprint]
    content = "random" if chosen.random else weights_digest(Path(chosen.weights)) if chosen.weights else ""
    changed = [f"{option}={value}" for option, value in chosen.features.items()]
    return [name, content, _version(_DISTRIBUTIONS.get(library, "torchvision")), PREPROCESSING, *changed]


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:  # the error of loading it names the extra
        return ""
