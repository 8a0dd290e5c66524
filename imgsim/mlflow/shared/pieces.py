"""Pieces of a model folder that versions share: cut out of its files, described, and put back.

A registered version keeps ``shared.json`` beside its ``model.imgsim``. It names the MLflow run that holds the pieces,
and the files that they belong to, each as a row of pieces in order. A piece with a sha256 is shared; the bytes of the
others, which differ in most versions, are what is left of the file in the version.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imgsim.coreml.runtime.weight_file import tensor_ranges
from imgsim.errors import ModelFormatError
from imgsim.io.atomic import atomic_path
from imgsim.io.hashing import file_sha256, files_below
from imgsim.io.untrusted import read_json
from imgsim.references.manifest import SHARED, read_manifest
from imgsim.references.thumbnails import group_ranges

MODEL_FOLDER = "model.imgsim"
RECIPE = SHARED
SMALLEST = 16 * 2**10
"""Bytes below which a piece stays in its file."""
Ranges = list[tuple[int, int]]
_SHA256, _RUN = re.compile(r"[0-9a-f]{64}"), re.compile(r"[\w-]{1,64}")


@dataclass(frozen=True)
class Piece:
    """Bytes of a file: how many, and their sha256 if they are shared."""

    size: int
    sha256: str | None


@dataclass(frozen=True)
class Recipe:
    """Content of ``shared.json``: the registered model, the run that holds its pieces, and the files made of them."""

    model: str
    run: str
    files: Mapping[str, Sequence[Piece]]

    def write(self, folder: Path) -> None:
        """Write it into an MLflow model folder."""
        files = {name: [[piece.size, piece.sha256] for piece in pieces] for name, pieces in self.files.items()}
        (folder / RECIPE).write_text(json.dumps({"model": self.model, "run": self.run, "files": files}) + "\n")

    def shared(self) -> dict[str, int]:
        """Return the sha256 and the size of all shared pieces."""
        return {piece.sha256: piece.size for pieces in self.files.values() for piece in pieces if piece.sha256}

    def lacking(self, folder: Path) -> dict[str, Sequence[Piece]]:
        """Return the files that are not whole in an MLflow model folder."""
        return {
            name: pieces
            for name, pieces in self.files.items()
            if _size(folder / MODEL_FOLDER / name) != sum(piece.size for piece in pieces)
        }


def read_recipe(folder: Path) -> Recipe | None:
    """Read ``shared.json`` of an MLflow model folder; None where the folder holds all its files.

    Raises
    ------
    ModelFormatError
        It is damaged, or describes other files than the model's manifest.
    """
    path = folder / RECIPE
    if not path.is_file():
        return None
    manifest = read_manifest(folder / MODEL_FOLDER)
    known = {**manifest.parts, **manifest.extras}
    try:
        recipe = parse_recipe(read_json(path))
        for name, pieces in recipe.files.items():
            if sum(piece.size for piece in pieces) != known[name]["bytes"]:
                raise ValueError(f"the size of {name}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelFormatError(f"{path} lacks or misstates {error}; download the model again.") from error
    return recipe


def parse_recipe(values: Any) -> Recipe:
    """Check what a ``shared.json`` holds.

    Raises
    ------
    ValueError, KeyError, TypeError
        It holds something else.
    """
    model, run = str(values["model"]), str(values["run"])
    files = {
        str(name): [Piece(int(size), sha256) for size, sha256 in pieces] for name, pieces in values["files"].items()
    }
    for name, pieces in files.items():
        if any(piece.size < 0 or not (piece.sha256 is None or _SHA256.fullmatch(piece.sha256)) for piece in pieces):
            raise ValueError(f"the pieces of {name}")
    if not _RUN.fullmatch(run):
        raise ValueError(f"the run ({run!r:.80})")
    return Recipe(model, run, files)


def take_out(folder: Path, stage: Path) -> dict[str, list[Piece]]:
    """Move the shared pieces of a model folder to the folder ``stage``, each named by its sha256.

    Returns
    -------
    dict of str to list of Piece
        The files that had such pieces. What is left of them stays, or nothing.
    """
    files = {}
    for name in files_below(folder):
        cut = CUTS.get(name.rpartition("/")[2])
        ranges = [] if cut is None else [(start, size) for start, size in cut(folder / name) if size >= SMALLEST]
        if ranges:
            files[name] = _cut(folder / name, ranges, stage)
    return files


def put_back(target: Path, pieces: Sequence[Piece], stage: Path) -> None:
    """Make a file whole again, atomically, from the pieces in ``stage`` and what is left of it.

    Raises
    ------
    ModelFormatError
        The rest of the file is not the size it was.
    """
    rest = target.read_bytes() if target.exists() else b""
    if len(rest) != sum(piece.size for piece in pieces if piece.sha256 is None):
        raise ModelFormatError(f"{target} is not the size it was saved with; download the model again.")
    at = 0
    with atomic_path(target) as temporary, temporary.open("wb") as file:
        for piece in pieces:
            if piece.sha256 is None:
                file.write(rest[at : at + piece.size])
                at += piece.size
            else:
                with (stage / piece.sha256).open("rb") as source:
                    shutil.copyfileobj(source, file)


def _cut(path: Path, ranges: Ranges, stage: Path) -> list[Piece]:
    """Move ranges of a file, in order, to files of their own; the file keeps what is between them."""
    size, pieces, rest, at = path.stat().st_size, [], [], 0
    if ranges == [(0, size)]:
        piece = Piece(size, file_sha256(path))
        shutil.move(path, stage / str(piece.sha256))
        return [piece]
    with path.open("rb") as file:
        for start, length in [*ranges, (size, 0)]:
            if start > at:
                rest.append(file.read(start - at))
                pieces.append(Piece(start - at, None))
            if length:
                content = file.read(length)
                sha256 = hashlib.sha256(content).hexdigest()
                (stage / sha256).write_bytes(content)
                pieces.append(Piece(length, sha256))
            at = start + length
    path.write_bytes(b"".join(rest))
    return pieces


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else -1


def _whole(path: Path) -> Ranges:
    return [(0, path.stat().st_size)]


CUTS: dict[str, Callable[[Path], Ranges]] = {
    "backbone.onnx": _whole,
    "text.onnx": _whole,
    "tokenizer.json": _whole,
    "thumbnails.parquet": group_ranges,
    "weight.bin": tensor_ranges,
}
"""Files, by their last name, of which versions share pieces: the function that finds these, as start and size."""
