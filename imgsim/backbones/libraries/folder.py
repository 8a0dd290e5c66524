"""Networks in a folder or a hub's repository: their config tells which library they are of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from imgsim.backbones.libraries.hub import find_file, network_folder
from imgsim.backbones.options import NetworkOptions
from imgsim.errors import BackboneError
from imgsim.io.error_text import shorten

OPEN_CLIP_CONFIG = "open_clip_config.json"
CONFIG = "config.json"


def library_of(name: str, options: NetworkOptions) -> str:
    """Return the module of `imgsim.backbones.libraries` that loads ``local-dir:FOLDER`` or ``hf-hub:ID``.

    open_clip writes ``open_clip_config.json``; a ``config.json`` is timm's if it has ``architecture``, and of
    transformers if it has ``model_type``. Of a folder with both files, open_clip's goes first.

    Raises
    ------
    BackboneError
        There is no config, or it is of none of these libraries.
    """
    folder = network_folder(name, options, [[OPEN_CLIP_CONFIG, CONFIG]])
    path = find_file(folder, [OPEN_CLIP_CONFIG, CONFIG]) or folder / CONFIG
    if path.name == OPEN_CLIP_CONFIG:
        return "open_clip"
    config = read_config(path)
    if "architecture" in config:
        return "timm"
    if "model_type" in config:
        return "transformers"
    raise BackboneError(
        f"{path} has neither timm's 'architecture' nor the 'model_type' of transformers, so that nothing tells how to "
        "load this network."
    )


def read_config(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises
    ------
    BackboneError
        It is none, or cannot be read.
    """
    try:
        values = json.loads(path.read_text("utf-8"))
        if not isinstance(values, dict):
            raise ValueError("it is no JSON object")
    except (OSError, ValueError, RecursionError) as error:
        raise BackboneError(f"{path} does not describe a network: {shorten(error)}.") from error
    return values
