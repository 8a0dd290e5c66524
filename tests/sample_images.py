"""Small collections out of the packaged sample: nothing is rendered."""

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from zipfile import ZipFile

from tools.render_sample import KINDS as ALL
from tools.render_sample.messy import add_messy

__all__ = ["ALL", "KINDS", "copy_sample"]

KINDS = ("sphere", "cube", "torus", "bricks")
"""Enough for most tests."""


def copy_sample(folder: Path, views: int = 10, kinds: Sequence[str] = KINDS, messy: bool = False) -> Path:
    """Write the first ``views`` pictures of each kind into a new folder, in a folder per kind.

    With ``messy``, six files that are broken or repeat a picture lie among them (`tools.render_sample.messy`).
    """
    with ZipFile(str(files("imgsim.sample") / "sample.zip")) as archive:
        archive.extractall(folder, [f"{kind}/{kind}_{view:02d}.jpg" for kind in kinds for view in range(views)])
    if messy:
        add_messy(folder, tuple(kinds))
    return folder
