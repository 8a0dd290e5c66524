"""Paths of this machine as users write them: ``~`` for the home folder, and names that only begin with it."""

import os
from os import PathLike
from pathlib import Path

from imgsim import arguments
from imgsim.errors import SourceError

MLFLOW = ("models:/", "runs:/")
"""Beginnings of addresses in MLflow, which are no paths."""


def expand(path: str | PathLike[str], name: str = "path") -> Path:
    """Replace ``~`` and ``~user`` at the start; a file here whose name begins with ``~`` is taken as it is.

    Raises
    ------
    ArgumentTypeError, ArgumentError
        ``path``, which messages call ``name``, is no text or path, or holds a null character.
    """
    text = str(arguments.path(path, name))
    first = text.partition("/")[0]
    if not first.startswith("~") or (first != "~" and os.path.lexists(first)):
        return Path(text)
    return Path(os.path.expanduser(text))  # noqa: PTH111 - pathlib's raises for a name that is no user's


def absolute(path: str | PathLike[str], name: str = "path") -> Path:
    """Return the absolute path, ``~`` replaced; ``..`` and links are kept.

    Raises
    ------
    SourceError
        The path is relative and the current folder was removed.
    """
    expanded = expand(path, name)
    try:
        return expanded.absolute()
    except FileNotFoundError:
        raise SourceError(
            f"{path}: the current folder, where this path starts, was removed. Change to another folder."
        ) from None
