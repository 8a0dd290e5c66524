"""Reads whole files, from a disk or through fsspec, under one interface."""

import errno
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from imgsim.distribution import install_command
from imgsim.errors import ImageError, MissingExtraError, SourceError

MAX_BYTES = 2**31
_EXTRAS = {"s3": "s3", "s3a": "s3"}  # the kind of URL and the extra it needs


class Files(Protocol):
    """Where the files of one root are read from."""

    threads: int  # how many reads are worth having under way

    def read(self, path: str) -> tuple[bytes, float | None]:
        """Bytes and modification time (seconds since 1970, UTC; None when unknown) of a path below the root."""
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
    """Open for reading; a pipe that nobody writes to must not block."""
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
    """Reader for a root: an absolute folder or an fsspec URL."""
    return RemoteFiles(root, options) if is_url(root) else LocalFiles(root)


def is_url(source: str) -> bool:
    """Whether a source is an fsspec URL rather than a path of this machine."""
    return "://" in source


def open_url(url: str, options: Mapping[str, Any] | None = None) -> tuple[Any, str]:
    """File system of a URL and the URL's path within it (no trailing slash).

    Raises
    ------
    MissingExtraError
        The package for this kind of URL is not installed.
    SourceError
        Unknown kind of URL, or refused options.
    """
    from fsspec.core import url_to_fs

    protocol = url.split("://", maxsplit=1)[0]
    try:
        filesystem, base = url_to_fs(url, **(options or {}))
    except ImportError as error:
        extra = _EXTRAS.get(protocol)
        advice = install_command(extra) if extra else f"install the fsspec package for {protocol}:// URLs"
        raise MissingExtraError(f"{url} needs an optional package ({error}): {advice}") from error
    except Exception as error:  # every service has errors of its own
        raise SourceError(f"{url} cannot be opened: {explain(error)}. Check the URL and storage_options.") from error
    return filesystem, str(base).rstrip("/")


def join(root: str, path: str) -> str:
    """Join a root (folder or URL, with or without a slash at its end) and a path below it."""
    return f"{root}{path}" if not root or root.endswith("/") else f"{root}/{path}"


def explain(error: Exception) -> str:
    """Say why in a few words, without repeating the path."""
    if isinstance(error, OSError) and error.errno == errno.ELOOP:
        return "the link leads back to itself"
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, OSError) and error.errno and error.strerror:
        return error.strerror.lower()
    return " ".join(str(error).split()) or type(error).__name__


def describe_kind(mode: int) -> str:
    """Name what a directory entry is when it is not a regular file."""
    kinds = {
        stat.S_IFDIR: "a folder, not a file",
        stat.S_IFIFO: "a named pipe, not a file",
        stat.S_IFSOCK: "a socket, not a file",
    }
    return kinds.get(stat.S_IFMT(mode), "a device, not a file")


def printable(path: str | Path) -> str:
    r"""Text that any encoding can show: bytes of a name that are not UTF-8 become ``\xNN``."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def is_utf8(name: str) -> bool:
    """Whether a file name can be stored as text (POSIX names may hold any bytes)."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
