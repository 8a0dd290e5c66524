"""Listing of a source: its files in order, their labels, and what was refused or left out."""

from collections.abc import Iterable
from dataclasses import dataclass, field

AUTO, FOLDER, TOP_FOLDER, COLUMN, NONE = "auto", "folder", "top-folder", "column", "none"
"""Values of ``labels``.

The table's column, else the folder; the folder's name; that of the first folder below the source; the table's column;
no labels.
"""
FOLDER_NAMES, TOP_FOLDER_NAMES = "names of folders", "names of top folders"


@dataclass(slots=True)
class Entry:
    """One file to read: path below the root, label, split, and what the listing told: modification time and stamp."""

    path: str
    label: str | None = None
    mtime: float | None = None
    split: str | None = None
    stamp: str | None = None


@dataclass
class Listing:
    """Listed source: files in order, (path, reason) of those that cannot be listed and of those left out.

    ``known`` are the rejected rows (path, stage, reason) that a saved table of images brought along. ``labels_from``
    says what was taken as labels, such as ``"names of folders"``; None if nothing was.
    """

    root: str
    entries: list[Entry] = field(default_factory=list)
    rejected: list[tuple[str, str]] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    known: list[dict[str, str]] = field(default_factory=list)
    labels_from: str | None = None

    def label_by(self, folders: Iterable[str | None], labels: str) -> None:
        """Label each entry with the name of its folder or top folder; with ``"auto"`` only if there are several."""
        names = [top_name(entry.path) for entry in self.entries] if labels == TOP_FOLDER else list(folders)
        if labels in (FOLDER, TOP_FOLDER) or (labels == AUTO and len(set(names) - {None}) > 1):
            for entry, name in zip(self.entries, names, strict=True):
                entry.label = name
            taken = TOP_FOLDER_NAMES if labels == TOP_FOLDER else FOLDER_NAMES
            self.labels_from = taken if any(names) else None


def parent_name(path: str) -> str | None:
    """Return the name of the folder a path lies in; None for a path without folder."""
    return path.split("/")[-2] or None if "/" in path else None


def top_name(path: str) -> str | None:
    """Return the name of the first folder of a path below a root; None for a path without folder, and a whole URL."""
    name, slash, _ = path.partition("/")
    return (name or None) if slash and not name.endswith(":") else None
