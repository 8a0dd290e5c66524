"""Folders below the watched root: each is a collection, read as `imgsim.load_images` reads it."""

import hashlib
import os
from pathlib import Path

from imgsim.errors import ArgumentError, SourceError
from imgsim.images.exclude import Exclude
from imgsim.images.list_source import list_source
from imgsim.io.error_text import explain
from imgsim.io.home import home
from imgsim.io.paths import absolute
from orchestration.partitions import slug

NOTHING = ""
"""Digest of a folder without any file to read."""

LONGEST_INTERVAL = 86_400
"""Seconds."""


def watched_root(base: Path | None = None) -> Path:
    """Return ``$IMGSIM_WATCH``, else ``watch`` in the working store: each sub-folder becomes a collection."""
    return absolute(os.environ.get("IMGSIM_WATCH") or (base or home()) / "watch")


def interval_seconds() -> int:
    """Return ``$IMGSIM_WATCH_SECONDS``, else 30: the seconds between two looks at the watched root.

    Raises
    ------
    ArgumentError
        It is no whole number of at least 1.
    """
    given = os.environ.get("IMGSIM_WATCH_SECONDS") or "30"
    if not given.isdecimal() or not 1 <= int(given) <= LONGEST_INTERVAL:
        raise ArgumentError(
            f"IMGSIM_WATCH_SECONDS is {given!r}: give a whole number of seconds from 1 to {LONGEST_INTERVAL}."
        )
    return int(given)


def watched_folders(root: Path) -> tuple[dict[str, list[Path]], list[str]]:
    """List the sub-folders of ``root`` by the collection's name that `slug` makes of theirs.

    Hidden folders, recycle bins and the like are left out; links to folders are folders.

    Returns
    -------
    folders : dict of str to list of Path
        Sorted. A list of several means that these folders have one name.
    problems : list of str
        Folders that cannot be collections, each with the reason.
    """
    found: dict[str, list[Path]] = {}
    problems, rules = [], Exclude()
    for path in sorted(root.iterdir()):
        if rules.reason(path.name):
            continue
        try:
            if path.is_dir():
                found.setdefault(slug(path.name), []).append(path)
            elif path.is_symlink():
                path.stat()
        except OSError as error:
            problems.append(f"{str(path)!r} is left out: {explain(error)}.")
    return found, problems


def folder_of(root: Path, collection: str) -> Path:
    """Return the watched folder of a collection; the one of its name if there is none."""
    try:
        folders, _ = watched_folders(root)
    except OSError:
        folders = {}
    return folders.get(collection, [root / collection])[0]


def folder_digest(folder: Path) -> str:
    """Return a digest of the images that `load_images` would read below ``folder``; reads no content.

    Of each image it holds path, size and modification time; of each file that cannot be read, path and reason.
    `NOTHING` if there is neither.

    Raises
    ------
    SourceError
        The folder is gone or cannot be listed.
    """
    if not folder.is_dir():
        raise SourceError(f"{folder}: there is no such folder.")
    listing = list_source(str(folder), labels=None)
    facts = [f"{path}\0{reason}" for path, reason in listing.rejected]
    facts += [f"{entry.path}\0{_state(folder / entry.path)}" for entry in listing.entries]
    return hashlib.sha256("\n".join(sorted(facts)).encode()).hexdigest()[:24] if facts else NOTHING


def _state(path: Path) -> str:
    try:
        status = path.stat()
    except OSError as error:  # removed since it was listed, or on a disk that is gone
        return explain(error)
    return f"{status.st_size}\0{status.st_mtime_ns}"
