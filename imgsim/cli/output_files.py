"""Paths of commands: ``~`` replaced, suffixes checked before any work, files written whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from imgsim.io.csv import write_csv
from imgsim.io.paths import expand
from imgsim.io.urls import file_path

if TYPE_CHECKING:
    import pandas as pd
    from PIL.Image import Image

TABLES = (".csv", ".parquet")
PICTURES = (".png", ".jpg", ".jpeg", ".webp")


def expand_paths(command: Callable[..., None]) -> Callable[..., None]:
    """Replace ``~`` in the paths a command is given: shells leave it in ``--output=~/a.csv``."""

    @wraps(command)
    def run(**options: Any) -> None:
        command(**{name: expand(value) if isinstance(value, Path) else value for name, value in options.items()})

    return run


def check_suffix(path: Path | None, suffixes: tuple[str, ...], option: str) -> None:
    """Refuse, before any work is done, a file of a kind that cannot be written.

    Raises
    ------
    typer.BadParameter
        Exit code 2.
    """
    if path is not None and path.suffix.lower() not in suffixes:
        raise typer.BadParameter(f"{path} must end in {', '.join(suffixes)}.", param_hint=option)


def check_not_source(path: Path | None, source: str, option: str) -> None:
    """Refuse to write over the file that is read.

    Raises
    ------
    typer.BadParameter
        Exit code 2.
    """
    with suppress(OSError, ValueError):  # one of them is not there yet, or is no file
        if path is not None and path.samefile(expand(file_path(source) or source)):
            raise typer.BadParameter(f"{path} is the source: choose another name.", param_hint=option)


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """Write a DataFrame as ``.csv`` or ``.parquet``."""
    from imgsim.io.atomic import atomic_path

    with atomic_path(path) as temporary:
        if path.suffix.lower() == ".csv":
            write_csv(frame, temporary)
        else:
            frame.to_parquet(temporary, index=False)


def write_picture(picture: Image, path: Path) -> None:
    """Write a picture in the format of its suffix."""
    from imgsim.io.atomic import atomic_path

    with atomic_path(path) as temporary:
        picture.save(temporary)
