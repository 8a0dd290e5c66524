"""Names of image files: their extension, and bytes that are not valid UTF-8."""

import os
import re
from pathlib import Path

from imgsim.decoding.formats import EXTENSIONS, identify
from imgsim.errors import ImageError

NO_EXTENSION = "no extension"
_EXTENSION = re.compile(r"(?<=[^/])\.[A-Za-z0-9_]{1,10}$")  # what follows the last dot of "Dr. No (1962)" is none
TEMPORARY = ("tmp", "temp")
FIRST_BYTES = 512
"""Bytes at the start of a file that tell its format."""


def has_image_extension(path: str) -> bool:
    """Tell if the last extension of a name is one of an image format that imgsim reads."""
    stem, _, extension = path.rsplit("/", 1)[-1].rpartition(".")
    return bool(stem) and extension.lower() in EXTENSIONS


def kind_of_name(path: str) -> str | None:
    """Return what a name says of a file: its extension, such as ``.txt``, or `NO_EXTENSION`; None for an image's."""
    if has_image_extension(path):
        return None
    if path.rpartition("/")[2].lower() in TEMPORARY:
        return "temporary file"
    found = _EXTENSION.search(path)
    return found[0].lower() if found else NO_EXTENSION


def is_image_start(data: bytes) -> bool:
    """Tell if the first bytes of a file are those of an image format that imgsim reads."""
    try:
        identify(data, "list")
    except ImageError:
        return False
    return True


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
