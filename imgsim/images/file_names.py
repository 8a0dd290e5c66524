"""Names of image files: their extension, and bytes that are not valid UTF-8."""

import os
from pathlib import Path

from imgsim.decoding.formats import EXTENSIONS


def has_image_extension(path: str) -> bool:
    """Tell if the last extension of a name is one of an image format that imgsim reads."""
    stem, _, extension = path.rsplit("/", 1)[-1].rpartition(".")
    return bool(stem) and extension.lower() in EXTENSIONS


def is_utf8(name: str) -> bool:
    """Tell if a file name can be stored as text (POSIX names may hold any bytes)."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def printable(path: str | Path) -> str:
    r"""Return text that any encoding can show: bytes of a name that are not UTF-8 become ``\xNN``."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
