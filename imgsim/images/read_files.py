"""Whole files as bytes, from a folder of this machine or through fsspec, under one interface."""

import os
import stat
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from threading import Lock
from typing import Any, Protocol

from imgsim.errors import ImageError, MissingExtraError, SourceError
from imgsim.images.listing import Entry
from imgsim.images.scanning.stamp import Stamp, local_stamp
from imgsim.io.error_text import explain
from imgsim.io.urls import ANYWHERE, file_path, is_url, join, open_url, split_url

MAX_BYTES = 2**31


class Files(Protocol):
    """Reader of the files below one root."""

    threads: int  # reads in parallel that pay off

    def read(self, path: str) -> tuple[bytes, float | None]:
        """Return bytes and modification time (seconds since 1970, UTC; None if unknown) of a path below the root."""
        ...

    def stamp(self, entry: Entry) -> Stamp | None:
        """Return the stamp of a file, which is not read; None if only reading tells that it is the same."""
        ...

    def is_remote(self, path: str) -> bool:
        """Tell if reading a file means to download it."""
        ...


class LocalFiles:
    """Files below a folder of this machine."""

    threads = 4

    def __init__(self, root: str) -> None:
        self.root = root

    def read(self, path: str) -> tuple[bytes, float | None]:
        """Read one regular file; a pipe or device never blocks.

        Raises
        ------
        ImageError
            Stage ``"read"``: missing, unreadable, not a regular file, or larger than 2 GiB.
        """
        try:
            with open(join(self.root, path), "rb", buffering=0, opener=_open_without_waiting) as file:
                status = os.fstat(file.fileno())
                if not stat.S_ISREG(status.st_mode):
                    raise ImageError("read", describe_kind(status.st_mode))
                if status.st_size > MAX_BYTES:
                    raise ImageError("read", f"{status.st_size / 2**30:.1f} GiB is too large; the limit is 2 GiB")
                return file.read(), status.st_mtime
        except (OSError, ValueError) as error:
            raise ImageError("read", explain(error)) from None

    def stamp(self, entry: Entry) -> Stamp | None:
        """See `Files.stamp`."""
        return local_stamp(join(self.root, entry.path))

    def is_remote(self, path: str) -> bool:
        """See `Files.is_remote`."""
        return False


def _open_without_waiting(path: str, flags: int) -> int:
    """Open for reading; a pipe without a writer must not block."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


class RemoteFiles:
    """Files below an fsspec URL."""

    threads = 16

    def __init__(self, url: str, options: Mapping[str, Any] | None = None) -> None:
        from fsspec.archive import AbstractArchiveFileSystem

        self._packed = bool(split_url(url)[2])
        self._local = bool(archive := _archive_path(url))
        found = local_stamp(archive) if archive else None  # before it is opened: what replaces it later is not read
        self._archive = found and Stamp(found.text, None)
        self.filesystem, self.base = open_url(url, options)
        shared = isinstance(self.filesystem, AbstractArchiveFileSystem)  # one file handle, moved by every read
        self._turn: AbstractContextManager[Any] = Lock() if shared else nullcontext()

    def read(self, path: str) -> tuple[bytes, float | None]:
        """Read one object.

        Raises
        ------
        ImageError
            Stage ``"read"``, with the reason the service gave.
        """
        try:
            with self._turn:
                return bytes(self.filesystem.cat_file(join(self.base, path))), None
        except Exception as error:  # noqa: BLE001  every service has errors of its own
            raise ImageError("read", explain(error)) from None

    def stamp(self, entry: Entry) -> Stamp | None:
        """Return the stamp of the archive that holds the file (None if it is remote), or of an object as listed."""
        if self._packed:
            return self._archive
        return None if entry.stamp is None else Stamp(entry.stamp, entry.mtime)

    def is_remote(self, path: str) -> bool:
        """See `Files.is_remote`; an archive of this machine is local."""
        return not self._local


def _archive_path(url: str) -> str:
    """Return the path of the archive of this machine that holds everything below a URL; empty if there is none."""
    last = split_url(url)[2].rpartition("::")[2]
    path = file_path(last) or last
    return "" if is_url(path) else path


class ScatteredFiles:
    """Files in several places: their paths are complete, each an absolute path or a URL."""

    threads = 16

    def __init__(self, options: Mapping[str, Any] | None = None) -> None:
        self._options = options
        self._local = LocalFiles("")
        self._places: dict[str, RemoteFiles] = {}
        self._turn = Lock()

    def read(self, path: str) -> tuple[bytes, float | None]:
        """Read one file where it lies.

        Raises
        ------
        ImageError
            Stage ``"read"``.
        """
        if not is_url(path):
            return self._local.read(path)
        files, below = self._find(path)
        return files.read(below)

    def stamp(self, entry: Entry) -> Stamp | None:
        """See `Files.stamp`."""
        if not is_url(entry.path):
            return self._local.stamp(entry)
        try:
            return self._find(entry.path)[0].stamp(entry)
        except ImageError:
            return None

    def is_remote(self, path: str) -> bool:
        """See `Files.is_remote`."""
        return is_url(path) and self._find(path)[0].is_remote(path)

    def _find(self, path: str) -> tuple[RemoteFiles, str]:
        """Return the reader of a URL's place, opened once, and the path below it."""
        head, inside, links = split_url(path)
        host, _, below = ("", "", inside) if links else inside.partition("/")
        place = f"{head}{host}{links}"
        with self._turn:
            if place not in self._places:
                self._places[place] = self._open(place)
        return self._places[place], below

    def _open(self, place: str) -> RemoteFiles:
        try:
            return RemoteFiles(place, self._options)
        except (SourceError, MissingExtraError) as error:
            raise ImageError("read", str(error)) from None


def open_files(root: str, options: Mapping[str, Any] | None = None) -> Files:
    """Return the reader for a root: an absolute folder, an fsspec URL, or `imgsim.io.urls.ANYWHERE`.

    Raises
    ------
    MissingExtraError, SourceError
        See `imgsim.io.urls.open_url`.
    """
    if root == ANYWHERE:
        return ScatteredFiles(options)
    return RemoteFiles(root, options) if is_url(root) else LocalFiles(root)


def describe_kind(mode: int) -> str:
    """Return the kind of a directory entry that is not a regular file, in words, from its ``st_mode``."""
    kinds = {
        stat.S_IFDIR: "a folder, not a file",
        stat.S_IFIFO: "a named pipe, not a file",
        stat.S_IFSOCK: "a socket, not a file",
    }
    return kinds.get(stat.S_IFMT(mode), "a device, not a file")
