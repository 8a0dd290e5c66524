"""Files of a text tower: ``text.onnx``, ``tokenizer.json`` and ``text.json``, in a store or a saved model.

They may come from a stranger: sizes and values are checked before they are used, and the files are held from the moment
they are found (`imgsim.io.held_file`).
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from imgsim.backbones.text.tokenizer import MOST_TOKENS
from imgsim.errors import ModelFormatError
from imgsim.io.held_file import HeldFile
from imgsim.io.untrusted import MAX_JSON, read_json

TEXT_ONNX, TOKENIZER, SETTINGS = "text.onnx", "tokenizer.json", "text.json"
TEXT_FOLDER = "text"
"""Folder of these files in a store, beside the network for pictures."""
TEXT_FILES = (TEXT_ONNX, TOKENIZER, SETTINGS)
_MOST_DIMENSIONS = 2**20


@dataclass(frozen=True)
class TextSettings:
    """Numbers of a text tower; see `imgsim.backbones.text.tower.TextTower`.

    ``onnx_sha256`` and ``tokenizer_sha256`` are those of its files.
    """

    dim: int
    context: int
    logit_scale: float
    logit_bias: float | None
    onnx_sha256: str
    tokenizer_sha256: str

    def to_json(self) -> str:
        """Return the content of ``text.json``."""
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def read(cls, path: Path) -> TextSettings:
        """Read and check ``text.json``.

        Raises
        ------
        ModelFormatError
            It cannot be read, or holds a value that no text tower has.
        """
        try:
            values = read_json(path)
            settings = cls(**{name: values[name] for name in cls.__dataclass_fields__})
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelFormatError(f"{path} cannot be read: {error}. Export the model again.") from error
        for name, limit in (("dim", _MOST_DIMENSIONS), ("context", MOST_TOKENS)):
            if not _is_count(getattr(settings, name), limit):
                raise ModelFormatError(f"{path} misstates {name} ({getattr(settings, name)!r:.80}).")
        bias = settings.logit_bias
        if not _is_number(settings.logit_scale) or not (bias is None or _is_number(bias)):
            raise ModelFormatError(f"{path} misstates its logit_scale or logit_bias; both are finite numbers.")
        if not isinstance(settings.onnx_sha256, str) or not isinstance(settings.tokenizer_sha256, str):
            raise ModelFormatError(f"{path} misstates the checksums of its files.")
        return settings


@dataclass(frozen=True)
class TextFiles:
    """A text tower on disk: its network and tokenizer, and their settings."""

    onnx: HeldFile
    tokenizer: HeldFile
    settings: TextSettings

    @classmethod
    def load(cls, folder: Path) -> TextFiles:
        """Hold the files in ``folder``; the network is not read.

        Raises
        ------
        ModelFormatError
            A file is missing or too large, or the settings are none.
        """
        try:
            onnx, tokenizer = HeldFile(folder / TEXT_ONNX), HeldFile(folder / TOKENIZER)
        except OSError as error:
            raise ModelFormatError(f"the text tower in {folder} is incomplete: {error}.") from error
        if tokenizer.size > MAX_JSON:
            raise ModelFormatError(
                f"{tokenizer.path} has {tokenizer.size / 2**20:,.0f} MiB; the limit is {MAX_JSON // 2**20}."
            )
        return cls(onnx, tokenizer, TextSettings.read(folder / SETTINGS))

    @property
    def digest(self) -> str:
        """Hexadecimal sha256 of the settings, which name the checksums of the other two files."""
        return hashlib.sha256(self.settings.to_json().encode()).hexdigest()

    def copy_to(self, folder: Path) -> None:
        """Write the three files into ``folder``."""
        self.onnx.copy_to(folder / TEXT_ONNX)
        self.tokenizer.copy_to(folder / TOKENIZER)
        (folder / SETTINGS).write_text(self.settings.to_json())


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_count(value: Any, limit: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= limit
