"""Files and folders that are never visible half-written, nor after a power cut: write beside, flush, then rename."""

import ctypes
import errno
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from imgsim.errors import ArgumentError, WriteError
from imgsim.io.error_text import explain
from imgsim.io.paths import expand

DAMAGED = ".damaged"
"""Suffix of what cannot be read and is kept for whoever wants to look at it."""
_MARK = ".tmp"
_RANDOM = re.compile(rf"[0-9a-f]{{12}}{re.escape(_MARK)}")
_STALE_SECONDS = 24 * 3600.0
_AS_GIVEN = -100  # AT_FDCWD: relative paths start from the current folder
_NOT_OF_THE_DISK = (None, errno.EPIPE, errno.EAGAIN, errno.EINTR, errno.ECONNRESET, errno.ECONNREFUSED, errno.ETIMEDOUT)
"""Errors of programs and servers that a block may ask."""
_EXCHANGE = 2  # RENAME_EXCHANGE of Linux, RENAME_SWAP of macOS


def _sibling(target: Path) -> Path:
    """Return a new name beside ``target`` that is never longer than a file system takes (255 bytes)."""
    if not target.name:
        raise ArgumentError(f"{target} is no name of a file or folder to write; give one.")
    suffix = target.suffix if len(os.fsencode(target.suffix)) <= 100 else ""
    return target.with_name(f".{_start(target.name)}.{uuid.uuid4().hex[:12]}{_MARK}{suffix}")


def _start(name: str) -> str:
    """Return as much of a name as a temporary one begins with."""
    return os.fsencode(name)[:100].decode("utf-8", "ignore")


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Yield a temporary file path beside ``target``; it becomes ``target`` when the block succeeds.

    Missing parent folders are created. A file already at ``target`` is replaced.

    Raises
    ------
    WriteError
        The disk is full or read-only, access is denied, or a folder has the name.
    """
    target = expand(target)
    temporary = _sibling(target)
    try:
        with _named(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            _flush(temporary)
            temporary.replace(target)
    finally:
        with suppress(OSError):  # on a full or read-only disk the first error is the one to tell
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(target: Path, overwrite: bool = False, or_keep: bool = False) -> Iterator[Path]:
    """Yield a new temporary folder beside ``target``; it becomes ``target`` when the block succeeds.

    With ``or_keep`` a target that another process makes meanwhile is kept, for content that is the same anyway. What
    killed processes left of the same target more than a day ago is removed.

    Raises
    ------
    ArgumentError
        ``target`` exists, and neither ``overwrite`` nor ``or_keep`` is true.
    WriteError
        The disk is full or read-only, or access is denied.
    """
    target, may_exist = expand(target), overwrite or or_keep
    temporary = _sibling(target)
    try:
        with _named(target):
            _refuse_existing(target, may_exist)
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary.mkdir()
            yield temporary
            for path in filter(Path.is_file, temporary.rglob("*")):
                _flush(path)
            if not _renamed(temporary, target):
                _refuse_existing(target, may_exist)
                if overwrite:
                    _swap(temporary, target)
            sweep(target.parent, target.name)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def _named(target: Path) -> Iterator[None]:
    """Raise errors of the disk as WriteError with the path that was to be written."""
    try:
        yield
    except OSError as error:
        if error.errno in _NOT_OF_THE_DISK and not isinstance(error, shutil.Error):
            raise
        reason = os.strerror(error.errno).lower() if error.errno else explain(error)
        raise WriteError(
            f"{target} cannot be written: {reason}. Free space or get access there, or choose another place.", error
        ) from error


def set_aside(path: Path) -> Path:
    """Rename a damaged file or folder to end in ``.damaged``, in place of an earlier one, and return its new path."""
    kept = path.with_name(path.name + DAMAGED)
    if kept.is_dir():
        shutil.rmtree(kept)
    with suppress(FileNotFoundError):  # another process has renamed it
        path.replace(kept)
    return kept


def sweep(folder: Path, target: str | None = None) -> None:
    """Remove what `stale` lists."""
    for path in stale(folder, target):
        with suppress(OSError):
            remove(path)


def stale(folder: Path, target: str | None = None) -> list[Path]:
    """List temporary files and folders that killed processes left in ``folder`` more than a day ago, sorted.

    With ``target`` only those that were to become this file or folder.
    """
    limit, found = time.time() - _STALE_SECONDS, []
    start = "" if target is None else f".{_start(target)}."
    for path in folder.glob(f".*{_MARK}*"):
        with suppress(OSError):
            ours = target is None or (path.name.startswith(start) and _RANDOM.match(path.name[len(start) :]))
            if ours and path.lstat().st_mtime < limit:
                found.append(path)
    return sorted(found)


def _flush(path: Path) -> None:
    """Wait until the file is on disk: a file system may keep a rename through a power cut and lose the content."""
    descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)  # Windows flushes for writers only
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def exists(path: Path) -> bool:
    """Return whether there is such a file or folder; a name that the file system cannot have is none."""
    try:
        return path.exists()
    except OSError:
        return False


def _refuse_existing(target: Path, may_exist: bool) -> None:
    if exists(target) and not may_exist:
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
    remove(temporary)


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


def remove(path: Path) -> None:
    """Remove a file, a link or a folder with all that it holds."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
