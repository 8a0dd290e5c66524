"""Atomic replacement of an exported model and its side file; nothing but such a model is ever replaced."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from imgsim.errors import ArgumentError

ONNX = ".onnx"
_FILES = {".mlmodel": "Core ML", ONNX: "ONNX"}


def side_file_of(path: Path) -> Path:
    """Return the path of the side file: ``Name.references.json`` beside ``Name.mlpackage``.

    That of ``Name.onnx`` is ``Name.onnx.references.json``, so that both exports can lie in one folder.
    """
    name = path.name if path.suffix == ONNX else path.stem
    return path.with_name(f"{name}.references.json")


def refuse_existing(path: Path, overwrite: bool) -> None:
    """Refuse a path that is taken.

    Raises
    ------
    ArgumentError
        Something is there and ``overwrite`` is false, or it is no model of that kind.
    """
    taken = [item for item in (path, side_file_of(path)) if item.exists()]
    if taken and not overwrite:
        raise ArgumentError(f"{taken[0]} exists already; pass overwrite=True to replace it, or choose another path.")
    if path.exists() and not _is_model(path):
        kind = _FILES.get(path.suffix, "Core ML")
        raise ArgumentError(
            f"{path} exists already and is no {kind} model, so it is not replaced; choose another path."
        )


@contextmanager
def publish(path: Path, overwrite: bool) -> Iterator[tuple[Path, Path]]:
    """Yield temporary paths for the model and its side file; both are moved to their places when the block succeeds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    side = side_file_of(path)
    mark = f".{path.stem[:80]}.{uuid.uuid4().hex[:12]}.tmp"
    temporary, temporary_side, old = (path.with_name(mark + end) for end in (path.suffix, ".json", ".old"))
    try:
        yield temporary, temporary_side
        refuse_existing(path, overwrite)
        if path.exists():
            path.replace(old)
        temporary.replace(path)
        temporary_side.replace(side)
    finally:
        if old.exists() and not path.exists():
            old.replace(path)
        for left in (temporary, temporary_side, old):
            _remove(left)


def _is_model(path: Path) -> bool:
    """Tell if a path is a model: a folder with a manifest or an empty one, or a ``.mlmodel`` or ``.onnx`` file."""
    if path.suffix in _FILES:
        return path.is_file()
    return path.is_dir() and ((path / "Manifest.json").is_file() or not any(path.iterdir()))


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
