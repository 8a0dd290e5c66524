"""Export of a text tower as ONNX and JSON, compared with torch and with its library's tokenizer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imgsim.backbones.onnx_export import ExportError, check_agreement, write_module
from imgsim.backbones.spec import Backbone
from imgsim.backbones.text.files import SETTINGS, TEXT_ONNX, TOKENIZER, TextFiles, TextSettings
from imgsim.backbones.text.runtime import TextRuntime
from imgsim.backbones.text.tokenizer import PROBES, open_tokenizer, tokens
from imgsim.errors import ModelFormatError
from imgsim.io.atomic import atomic_folder
from imgsim.io.hashing import file_sha256

if TYPE_CHECKING:
    from torch import nn

    from imgsim.backbones.text.tower import TextTower

_MOST_BYTES = 2**31  # of an ONNX file that holds its weights


def export_text(backbone: Backbone, folder: Path) -> None:
    """Write the text tower of ``backbone`` into a ``folder`` of its own; a whole export that is there is kept.

    Raises
    ------
    ExportError
        The tower cannot be exported, the export disagrees with torch (cosine below 0.99999), or the tokenizer with
        that of the tower's library.
    BackboneError
        The tower cannot be built.
    OSError, MemoryError
        There is no space, memory or access at the moment.
    """
    if backbone.text is None or is_exported(folder):
        return
    tower, name = backbone.text(), f"the text tower of {backbone.spec.name}"
    ids = _checked_tokens(tower, name)
    size = sum(value.numel() * 4 for value in (*tower.module.parameters(), *tower.module.buffers()))
    if size >= _MOST_BYTES:
        raise ExportError(f"{name} has {size / 2**30:.1f} GiB of weights; one ONNX file holds 2.")
    expected = _run(tower.module, ids)
    with atomic_folder(folder, overwrite=True) as temporary:
        write_module(tower.module.eval(), ids[:1], temporary / TEXT_ONNX, name, ("tokens", "vector"))
        (temporary / TOKENIZER).write_text(tower.tokenizer, encoding="utf-8")
        settings = TextSettings(
            int(expected.shape[1]),
            tower.context,
            float(tower.logit_scale),
            None if tower.logit_bias is None else float(tower.logit_bias),
            file_sha256(temporary / TEXT_ONNX),
            file_sha256(temporary / TOKENIZER),
        )
        (temporary / SETTINGS).write_text(settings.to_json())
        lengths = np.linalg.norm(expected, axis=1, keepdims=True)
        check_agreement(TextRuntime(TextFiles.load(temporary))(PROBES), expected / lengths, name)


def is_exported(folder: Path) -> bool:
    """Tell if ``folder`` holds a whole text tower."""
    try:
        settings = TextSettings.read(folder / SETTINGS)
        digests = file_sha256(folder / TEXT_ONNX), file_sha256(folder / TOKENIZER)
    except (ModelFormatError, OSError):
        return False
    return digests == (settings.onnx_sha256, settings.tokenizer_sha256)


def _checked_tokens(tower: TextTower, name: str) -> NDArray[np.int64]:
    """Return the tokens of the probes, which are those of the tower's own library."""
    try:
        tokenizer = open_tokenizer(tower.tokenizer, tower.context)
    except ModelFormatError as error:
        raise ExportError(f"{name} has a tokenizer that imgsim cannot keep: {error}.") from error
    ids = tokens(tokenizer, PROBES)
    if tower.ids_of is not None:
        for text, found in zip(PROBES, ids.tolist(), strict=True):
            if found != (wanted := list(tower.ids_of(text))):
                raise ExportError(
                    f"{name} has a tokenizer that cannot be rebuilt: {text!r:.60} gives the tokens {found[:12]}, "
                    f"by its library {wanted[:12]}."
                )
    return ids


def _run(module: nn.Module, ids: NDArray[np.int64]) -> NDArray[np.float32]:
    import torch

    with torch.inference_mode():
        rows: list[Any] = [module.eval()(torch.from_numpy(row[None])).numpy() for row in ids]
    return np.concatenate(rows).astype(np.float32)
