"""Completion of downloaded versions: what they share with others is fetched from copies on this machine or MLflow."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from imgsim.errors import ModelFormatError, RegistryError
from imgsim.io.atomic import DAMAGED, atomic_folder
from imgsim.io.hashing import file_sha256
from imgsim.mlflow.connection import connect, shown
from imgsim.mlflow.shared.copies import downloads, tidy
from imgsim.mlflow.shared.pieces import MODEL_FOLDER, Recipe, put_back, read_recipe
from imgsim.mlflow.shared.run import run_of
from imgsim.references.manifest import MANIFEST


def whole(folder: Path) -> Path:
    """Return a whole copy of an MLflow model folder, which may be MLflow's own; the folder itself where it is whole.

    Copies are kept among those of `imgsim.mlflow.shared.copies`.

    Raises
    ------
    RegistryError
        Shared files are missing, or cannot be had at the moment.
    ModelFormatError
        The folder is damaged.
    """
    recipe = read_recipe(folder)
    if recipe is None or not recipe.lacking(folder):
        return folder
    target = downloads() / file_sha256(folder / MODEL_FOLDER / MANIFEST)[:28]
    if not target.exists():
        with atomic_folder(target, or_keep=True) as temporary:
            shutil.copytree(folder, temporary, dirs_exist_ok=True)
            complete(temporary)
        tidy()
    os.utime(target)
    return target


def complete(folder: Path, tracking_uri: str | None = None) -> None:
    """Put what a version shares with others into its downloaded MLflow model folder.

    Parameters
    ----------
    folder : Path
        The one that holds ``MLmodel``.
    tracking_uri : str, optional
        Default: `imgsim.mlflow.connection.default_tracking_uri`.

    Raises
    ------
    RegistryError, ModelFormatError
        As for `whole`.
    """
    recipe = read_recipe(folder)
    lacking = {} if recipe is None else recipe.lacking(folder)
    if recipe is None or not lacking:
        return
    with TemporaryDirectory(prefix=".imgsim-", dir=folder) as temporary:
        stage = Path(temporary)
        wanted = Recipe(recipe.model, recipe.run, lacking).shared()
        _copy(wanted, stage)
        absent = {sha256: size for sha256, size in wanted.items() if not (stage / sha256).exists()}
        if absent:
            _download(recipe, absent, stage, tracking_uri)
        for name, pieces in lacking.items():
            put_back(folder / MODEL_FOLDER / name, pieces, stage)


def _download(recipe: Recipe, wanted: Mapping[str, int], stage: Path, tracking_uri: str | None) -> None:
    try:
        with connect(tracking_uri) as connection:
            run_of(connection.client, recipe.run, shown(connection.tracking_uri)).fetch(wanted, stage)
    except RegistryError as error:
        raise RegistryError(
            f"Files that all versions of {recipe.model} share cannot be fetched: {error} A copy with all files, "
            f"for use without MLflow: imgsim registry download models:/{recipe.model}/VERSION FOLDER.",
            error.kind,
        ) from error


def _copy(wanted: Mapping[str, int], stage: Path) -> None:
    """Copy pieces from whole copies of other versions on this machine; what is damaged there is left out."""
    for path, recipe in _copies():
        for name, pieces in recipe.files.items():
            at = 0
            for piece in pieces:
                if piece.sha256 and piece.sha256 in wanted and not (stage / piece.sha256).exists():
                    with (path / MODEL_FOLDER / name).open("rb") as file:
                        file.seek(at)
                        content = file.read(piece.size)
                    if hashlib.sha256(content).hexdigest() == piece.sha256:
                        (stage / piece.sha256).write_bytes(content)
                at += piece.size


def _copies() -> Iterator[tuple[Path, Recipe]]:
    for path in downloads().iterdir() if downloads().is_dir() else ():
        if path.name.startswith(".") or path.name.endswith(DAMAGED) or not path.is_dir():
            continue
        try:
            recipe = read_recipe(path)
        except (ModelFormatError, OSError):
            continue
        if recipe is not None and not recipe.lacking(path):
            yield path, recipe
