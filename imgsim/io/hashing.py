"""sha256 of what files hold: names of results, and proof that nothing was damaged."""

import hashlib
from pathlib import Path


def file_sha256(path: Path) -> str:
    """Return the hexadecimal sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def files_below(folder: Path) -> list[str]:
    """List the relative paths, separated by ``/``, of all files below ``folder``, sorted."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def folder_sha256(folder: Path) -> str:
    """Return the hexadecimal sha256 of the names and bytes of all files below ``folder``."""
    content = "\n".join(f"{file_sha256(folder / name)} {name}" for name in files_below(folder))
    return hashlib.sha256(content.encode()).hexdigest()
