"""Files and folders that are never visible half-written, nor after a power cut: write beside, flush, then rename."""

import ctypes
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from imgsim.errors import ArgumentError

_MARK = ".tmp"
_STALE_SECONDS = 24 * 3600.0
_AS_GIVEN = -100  # AT_FDCWD: relative paths start from the current folder
_EXCHANGE = 2  # RENAME_EXCHANGE of Linux, RENAME_SWAP of macOS


def _sibling(target: Path) -> Path:
    return target.with_name(f".{target.name[:100]}.{uuid.uuid4().hex[:12]}{_MARK}{target.suffix}")


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Yield a temporary file path beside ``target``; it becomes ``target`` when the block succeeds.

    Missing parent folders are created. A file already at ``target`` is replaced.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = _sibling(target)
    try:
        yield temporary
        _flush(temporary)
        temporary.replace(target)
    finally:
        with suppress(OSError):  # on a full or read-only disk the first error is the one to tell
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(target: Path, overwrite: bool = False, or_keep: bool = False) -> Iterator[Path]:
    """Yield a new temporary folder beside ``target``; it becomes ``target`` when the block succeeds.

    With ``or_keep`` a target that another process makes meanwhile is kept, for content that is the same anyway.

    Raises
    ------
    ArgumentError
        ``target`` exists, and neither ``overwrite`` nor ``or_keep`` is true.
    """
    may_exist = overwrite or or_keep
    _refuse_existing(target, may_exist)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = _sibling(target)
    temporary.mkdir()
    try:
        yield temporary
        for path in temporary.rglob("*"):
            if path.is_file():
                _flush(path)
        if not _renamed(temporary, target):
            _refuse_existing(target, may_exist)
            if overwrite:
                _swap(temporary, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Remove temporary files and folders that killed processes left in ``folder`` more than a day ago."""
    limit = time.time() - _STALE_SECONDS
    for path in folder.glob(f".*{_MARK}*"):
        with suppress(OSError):
            if path.lstat().st_mtime < limit:
                _remove(path)


def _flush(path: Path) -> None:
    """Wait until the file is on disk: a file system may keep a rename through a power cut and lose the content."""
    descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)  # Windows flushes for writers only
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refuse_existing(target: Path, may_exist: bool) -> None:
    if target.exists() and not may_exist:
        raise ArgumentError(f"{target} exists already; pass overwrite=True to replace it, or choose another path.")


def _renamed(temporary: Path, target: Path) -> bool:
    """Give the folder its name unless the name is taken; an empty folder does not take it."""
    try:
        temporary.rename(target)
    except OSError:
        if target.exists():
            return False
        raise
    return True


def _swap(temporary: Path, target: Path) -> None:
    """Put ``temporary`` in the place of ``target`` in one step where the system can; what was there is removed."""
    if not _exchanged(temporary, target):
        old = _sibling(target)
        target.replace(old)
        temporary.replace(target)
        temporary = old
    _remove(temporary)


def _exchanged(one: Path, other: Path) -> bool:
    """Exchange two names at once: Linux and macOS can, on most file systems; no function of Python does."""
    try:
        library = ctypes.CDLL(None)
    except TypeError:  # Windows has no library of the process itself
        return False
    names = os.fsencode(one), os.fsencode(other)
    with suppress(AttributeError):
        return int(library.renameat2(_AS_GIVEN, names[0], _AS_GIVEN, names[1], _EXCHANGE)) == 0
    with suppress(AttributeError):
        return int(library.renamex_np(*names, _EXCHANGE)) == 0
    return False


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
