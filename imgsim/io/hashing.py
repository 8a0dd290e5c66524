"""sha256 of what files hold: names of results, and proof that nothing was damaged."""

import hashlib
from collections.abc import Mapping
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
    return digest_of({name: file_sha256(folder / name) for name in files_below(folder)})


def digest_of(files: Mapping[str, str]) -> str:
    """Return what `folder_sha256` returns for a folder of these files: relative path to sha256."""
    content = "\n".join(f"{files[name]} {name}" for name in sorted(files))
    return hashlib.sha256(content.encode()).hexdigest()
