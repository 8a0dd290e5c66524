"""Names that are left out of folders: hidden ones, recycle bins, thumbnails of network drives, and the caller's."""

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase, translate

from imgsim.errors import ArgumentTypeError

EXCLUDED = (
    "$RECYCLE.BIN", "RECYCLER", "System Volume Information",  # Windows
    "__MACOSX", ".Trashes", ".Spotlight-V100", ".fseventsd",  # macOS
    ".Trash", ".thumbnails", "lost+found",  # Linux
    "@eaDir", "@Recycle", "#recycle", "#snapshot", "@Recently-Snapshot", ".@__thumb", "Thumbs",  # Synology, QNAP
    ".snapshot", ".snapshots", "~snapshot", ".zfs",  # other drives
    ".git", ".svn", ".hg", ".venv", ".cache", ".ipynb_checkpoints", ".imgsim",
)  # fmt: skip
"""Folders whose pictures are deleted, made by a machine, or copies of an earlier state; in upper or lower case."""
TRASH = ".Trash-"  # and the number of a user
_EXCLUDED = frozenset(name.lower() for name in EXCLUDED)


class Exclude:
    """Rules for names: `EXCLUDED`, hidden names, and patterns as in ``.gitignore``.

    Parameters
    ----------
    patterns : str or iterable of str
        Shell patterns of names to leave out besides; with a slash inside, of paths below the source. ``!NAME`` takes
        what would be left out.

    Raises
    ------
    ArgumentTypeError
        A pattern that is no text.
    """

    def __init__(self, patterns: str | Iterable[str] = ()) -> None:
        if not isinstance(patterns, Iterable):
            raise ArgumentTypeError(f"exclude= takes patterns of names, such as '*_thumb.jpg', not {patterns!r}.")
        self.patterns = (patterns,) if isinstance(patterns, str) else tuple(patterns)
        for pattern in self.patterns:
            if not isinstance(pattern, str) or not pattern.strip("!/"):
                raise ArgumentTypeError(f"exclude= takes patterns of names, such as '*_thumb.jpg', not {pattern!r}.")
        taken = [pattern[1:].strip("/") for pattern in self.patterns if pattern.startswith("!")]
        self._given = [pattern.strip("/") for pattern in self.patterns if not pattern.startswith("!")]
        self._names = _any(pattern for pattern in self._given if "/" not in pattern)
        self._paths = _any(pattern for pattern in self._given if "/" in pattern)
        self._taken = _any(taken)

    def reason(self, path: str) -> str | None:
        """Return why the last part of a path below the source is left out; None if it is not."""
        name = path.rpartition("/")[2]
        reason = self._excluded(path, name) or _ours(name)
        taken = reason and self._taken and (self._taken.match(name) or self._taken.match(path))
        return None if taken else reason

    def _excluded(self, path: str, name: str) -> str | None:
        if not (self._names and self._names.match(name)) and not (self._paths and self._paths.match(path)):
            return None
        found = next(given for given in self._given if fnmatchcase(path if "/" in given else name, given))
        return f"excluded by {found!r}"

    def reason_of_any(self, path: str) -> str | None:
        """Return why a path below the source, or a folder it lies in, is left out; None if it is not."""
        parts = path.split("/")
        reasons = (self.reason("/".join(parts[: count + 1])) for count in range(len(parts)))
        return next(filter(None, reasons), None)


def _ours(name: str) -> str | None:
    """Return why a name is left out by itself."""
    if name.lower() in _EXCLUDED:
        return f"excluded by {name!r}"
    if not name.startswith("."):
        return None
    return "excluded by '.Trash-*'" if name.startswith(TRASH) else "hidden"


def _any(patterns: Iterable[str]) -> re.Pattern[str] | None:
    expression = "|".join(translate(pattern) for pattern in patterns)
    return re.compile(expression) if expression else None
