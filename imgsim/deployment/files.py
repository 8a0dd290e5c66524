"""Permissions and sizes of exported files and folders."""

from __future__ import annotations

from pathlib import Path

_FILE_MODE, _FOLDER_MODE = 0o644, 0o755


def open_to_all(path: Path) -> None:
    """Make a file, or a folder with all that is in it, readable by all users, whatever the umask."""
    for item in [path, *(path.rglob("*") if path.is_dir() else ())]:
        item.chmod(_FOLDER_MODE if item.is_dir() else _FILE_MODE)


def size_of(path: Path) -> int:
    """Return the size in bytes of a file, or of all files in a folder."""
    if path.is_file():
        return path.stat().st_size
    return sum(item.stat().st_size for item in path.rglob("*") if item.is_file())
