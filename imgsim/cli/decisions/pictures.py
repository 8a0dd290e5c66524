"""Pictures of the commands that decide: files, folders, sha256, or ids and paths in a model or a source of images."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated

import typer

from imgsim.cli.create import opened
from imgsim.cli.insight_options import is_model
from imgsim.cli.load import read_source
from imgsim.errors import ArgumentError, SourceError
from imgsim.io.paths import MLFLOW, expand

if TYPE_CHECKING:
    from imgsim.images.table import ImageTable

Pictures = Annotated[
    list[str],
    typer.Argument(metavar="PICTURE...", help="Files, folders or sha256; with --in: ids or paths of its images."),
]
Within = Annotated[
    str | None,
    typer.Option("--in", metavar="MODEL_OR_SOURCE", help="Model folder, models:/NAME@ALIAS, or a source of images."),
]
By = Annotated[str | None, typer.Option(help="Who decides; default: the login name.")]


@dataclass(frozen=True)
class Place:
    """Images that are decided about: their table, their ids, and the registered version that they belong to."""

    images: ImageTable
    ids: Sequence[object]
    version: str | None = None

    def sha256_of(self, name: str) -> str:
        """Return the sha256 of an image by its id, its path, its full path, or its sha256.

        Raises
        ------
        ArgumentError
            There is none.
        """
        row = self._row_of.get(name)
        if row is None:
            raise ArgumentError(
                f"no image there has the id or the path {name!r}; ids are such as {self.ids[0]}, paths such as "
                f"{self.images.paths[0]!r}."
            )
        return self.images.sha256[row]

    @cached_property
    def _row_of(self) -> dict[str, int]:
        """Row by every name of an image; where a name has two meanings the last of these counts."""
        kinds = (self.images.sha256, self.images.locations, self.images.paths, self.ids)
        return {str(name): row for names in kinds for row, name in enumerate(names)}


def open_place(within: str) -> Place:
    """Open a model, or list the images of a source.

    Raises
    ------
    ArgumentError
        It holds no image.
    """
    if is_model(within):
        with opened(within) as model:
            place = Place(model.images, list(model.ids), registered_version(within))
    else:
        images = read_source(within, "auto", no_recursive=False, strict=False)
        place = Place(images, list(images.ids))
    if not len(place.images):
        raise ArgumentError(f"{within} holds no image.")
    return place


def registered_version(uri: str) -> str | None:
    """Return ``models:/NAME/NUMBER`` for an address in MLflow's registry, aliases resolved; None for a folder."""
    from imgsim.mlflow.download import VERSION
    from imgsim.mlflow.registry import resolve

    named = VERSION.fullmatch(uri)
    if named is None:
        return uri if uri.startswith(MLFLOW) else None
    number = named["number"] or resolve(named["name"], named["alias"]).version
    return f"models:/{named['name']}/{number}"


def sha256s(pictures: Sequence[str], place: Place | None) -> list[str]:
    """Return the sha256 of pictures as they are named on the command line.

    Raises
    ------
    ArgumentError, SourceError
        One that is not there, or is no image.
    """
    if place is not None:
        return [place.sha256_of(name) for name in pictures]
    return [key for name in pictures for key in _of_file(name)]


def _of_file(name: str) -> list[str]:
    from imgsim.decisions.arguments import is_sha256
    from imgsim.images.load import load_images

    if is_sha256(name) and not expand(name).exists():
        return [name.lower()]
    if re.fullmatch(r"[0-9]+", name) and not expand(name).exists():
        raise ArgumentError(f"{name} is no file; if it is an id, say of which model: --in MODEL.")
    found = load_images(name, progress=True)
    if len(found.rejected):
        path, reason = found.rejected["path"][0], found.rejected["reason"][0]
        raise SourceError(f"{path} is no image that can be used: {reason}. Nothing was decided.")
    if not len(found):
        raise SourceError(f"{name} holds no image.")
    return list(found.sha256)
