"""Files that commands write: suffixes checked before any work, contents written whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from imgsim.io.csv import write_csv

if TYPE_CHECKING:
    import pandas as pd
    from PIL.Image import Image

TABLES = (".csv", ".parquet")
PICTURES = (".png", ".jpg", ".jpeg", ".webp")


def check_suffix(path: Path | None, suffixes: tuple[str, ...], option: str) -> None:
    """Refuse, before any work is done, a file of a kind that cannot be written.

    Raises
    ------
    typer.BadParameter
        Exit code 2.
    """
    if path is not None and path.suffix.lower() not in suffixes:
        raise typer.BadParameter(f"{path} must end in {', '.join(suffixes)}.", param_hint=option)


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
