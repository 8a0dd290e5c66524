"""Files that are written once and never change, on a disk or behind an fsspec URL; none is visible half-written."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol

from imgsim.io.atomic import atomic_path, sweep
from imgsim.io.error_text import explain
from imgsim.io.urls import join, open_url


class Parts(Protocol):
    """The files of one folder."""

    threads: int  # how many reads are worth having under way

    def names(self) -> list[str]:
        """List what is there, sorted; without what is being written, or was when a process was killed."""
        ...

    def read(self, name: str) -> Any:
        """Return what `pyarrow.parquet` reads: a path or the bytes."""
        ...

    def write(self, name: str, data: bytes) -> None:
        """Add a file; missing folders are made."""
        ...

    def where(self, name: str) -> str:
        """Return the file's full name, for messages."""
        ...


@dataclass(frozen=True)
class LocalParts:
    """The files of a folder of this machine."""

    folder: Path
    threads = 1

    def names(self) -> list[str]:
        """See `Parts.names`."""
        try:
            return sorted(name for name in os.listdir(self.folder) if not name.startswith("."))  # noqa: PTH208 - errors
        except FileNotFoundError:
            return []

    def read(self, name: str) -> Path:
        """See `Parts.read`."""
        return self.folder / name

    def write(self, name: str, data: bytes) -> None:
        """See `Parts.write`."""
        with atomic_path(self.folder / name) as temporary:
            temporary.write_bytes(data)
        sweep(self.folder)

    def where(self, name: str) -> str:
        """See `Parts.where`."""
        return str(self.folder / name)


class RemoteParts:
    """The files in an object store, where a write appears whole or not at all (S3, Google Cloud Storage, Azure)."""

    threads = 16

    def __init__(self, url: str, options: Mapping[str, Any] | None = None) -> None:
        self.url = url
        self._options = options

    @cached_property
    def _opened(self) -> tuple[Any, str]:
        return open_url(self.url, self._options)

    @contextmanager
    def _asking(self) -> Iterator[tuple[Any, str]]:
        """Yield file system and base path; every service has errors of its own, which become `OSError`."""
        filesystem, base = self._opened
        try:
            yield filesystem, base
        except FileNotFoundError:
            raise
        except Exception as error:
            raise OSError(explain(error)) from error

    def names(self) -> list[str]:
        """See `Parts.names`."""
        with self._asking() as (filesystem, base):
            filesystem.invalidate_cache()  # others write too
            try:
                return sorted(str(path).rsplit("/", 1)[-1] for path in filesystem.ls(base, detail=False))
            except FileNotFoundError:
                return []

    def read(self, name: str) -> Any:
        """See `Parts.read`."""
        with self._asking() as (filesystem, base):
            return BytesIO(filesystem.cat_file(join(base, name)))

    def write(self, name: str, data: bytes) -> None:
        """See `Parts.write`."""
        with self._asking() as (filesystem, base):
            filesystem.pipe_file(join(base, name), data)

    def where(self, name: str) -> str:
        """See `Parts.where`."""
        return join(self.url, name)
