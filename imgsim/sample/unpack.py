"""Unpacks the packaged sample into a folder, whole or not at all."""

from importlib.resources import as_file, files
from pathlib import Path
from zipfile import ZipFile

from imgsim.errors import ArgumentError
from imgsim.io.atomic import atomic_folder, exists
from imgsim.io.home import home
from imgsim.io.paths import absolute

MARKER = ".imgsim-sample.json"
"""A file that only folders of sample images hold: they may be replaced."""
REPEATED = ("copy.jpg", "reencoded.jpg", "rotated.jpg")
"""Names of the files that repeat another picture: the same bytes, compressed again, turned with an EXIF orientation."""


def unpack_sample(folder: Path | str | None = None) -> Path:
    """Unpack the sample images: 480 JPEGs of 24 kinds in a folder per kind, and six messy files among them.

    Three of the messy files cannot be read; three repeat a picture (`REPEATED`). A folder that holds the whole sample
    is left as it is, with whatever else lies in it.

    Parameters
    ----------
    folder : Path or str, optional
        Folder to create; by default ``samples/sample`` in the working store (``$IMGSIM_HOME``).

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ArgumentError
        ``folder`` holds files that are not a sample.
    """
    target = default_folder() if folder is None else absolute(folder, "folder")
    with as_file(files("imgsim.sample").joinpath("sample.zip")) as path, ZipFile(path) as archive:
        if not _complete(target, archive):
            with atomic_folder(target, overwrite=_replaceable(target), or_keep=True) as temporary:
                archive.extractall(temporary)
    return target


def default_folder() -> Path:
    """Return where the sample is unpacked by default; it need not exist."""
    return home() / "samples" / "sample"


def _complete(target: Path, archive: ZipFile) -> bool:
    """Return True if every file of the archive lies in the folder with its size."""
    for member in archive.infolist():
        path = target / member.filename
        if not exists(path) or not path.is_file() or path.stat().st_size != member.file_size:
            return False
    return True


def _replaceable(target: Path) -> bool:
    """Return True if the folder is an incomplete or older sample, or empty; False if there is none."""
    if not exists(target):
        return False
    if target.is_dir() and ((target / MARKER).is_file() or not any(target.iterdir())):
        return True
    raise ArgumentError(f"{target} exists and is not a folder of sample images (no {MARKER}); choose another folder.")
