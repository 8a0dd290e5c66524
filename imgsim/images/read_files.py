"""Whole files as bytes, from a folder of this machine or through fsspec, under one interface."""

import os
import stat
from collections.abc import Mapping
from typing import Any, Protocol

from imgsim.errors import ImageError
from imgsim.io.error_text import explain
from imgsim.io.urls import is_url, join, open_url

MAX_BYTES = 2**31


class Files(Protocol):
    """Reader of the files below one root."""

    threads: int  # reads in parallel that pay off

    def read(self, path: str) -> tuple[bytes, float | None]:
        """Return bytes and modification time (seconds since 1970, UTC; None if unknown) of a path below the root."""
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


def _open_without_waiting(path: str, flags: int) -> int:
    """Open for reading; a pipe without a writer must not block."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


class RemoteFiles:
    """Files below an fsspec URL."""

    threads = 16

    def __init__(self, url: str, options: Mapping[str, Any] | None = None) -> None:
        self.filesystem, self.base = open_url(url, options)

    def read(self, path: str) -> tuple[bytes, float | None]:
        """Read one object.

        Raises
        ------
        ImageError
            Stage ``"read"``, with the reason the service gave.
        """
        try:
            return bytes(self.filesystem.cat_file(join(self.base, path))), None
        except Exception as error:  # noqa: BLE001  every service has errors of its own
            raise ImageError("read", explain(error)) from None


def open_files(root: str, options: Mapping[str, Any] | None = None) -> Files:
    """Return the reader for a root: an absolute folder or an fsspec URL.

    Raises
    ------
    MissingExtraError, SourceError
        See `imgsim.io.urls.open_url`.
    """
    return RemoteFiles(root, options) if is_url(root) else LocalFiles(root)


def describe_kind(mode: int) -> str:
    """Return the kind of a directory entry that is not a regular file, in words, from its ``st_mode``."""
    kinds = {
        stat.S_IFDIR: "a folder, not a file",
        stat.S_IFIFO: "a named pipe, not a file",
        stat.S_IFSOCK: "a socket, not a file",
    }
    return kinds.get(stat.S_IFMT(mode), "a device, not a file")
