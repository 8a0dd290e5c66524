"""Folder where the images of a collection lie: noted in the home of this machine, and in nothing that is shared."""

from __future__ import annotations

import json
from pathlib import Path

from imgsim.io.atomic import atomic_path

_FILE = "root.json"


def note_root(home: Path, collection: str, root: str) -> None:
    """Note the folder or URL that the paths of a collection's images start from (`ImageTable.root`)."""
    with atomic_path(_file(home, collection)) as path:
        path.write_text(json.dumps({"root": root}), "utf-8")


def noted_folder(home: Path, collection: str) -> Path | None:
    """Return the folder that was noted; None where there is no note, or the images lie in no folder of this machine."""
    try:
        root = str(json.loads(_file(home, collection).read_text("utf-8"))["root"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Path(root) if Path(root).is_absolute() else None


def _file(home: Path, collection: str) -> Path:
    return home / "collections" / collection / _FILE
