"""Files that are written once and never change, on a disk or behind an fsspec URL; none is visible half-written."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from imgsim.io.atomic import DAMAGED, atomic_path, set_aside, sweep
from imgsim.io.error_text import explain
from imgsim.io.ranges import Range, RangedFile, joined
from imgsim.io.urls import join, open_url


class Parts(Protocol):
    """The files of one folder."""

    threads: int  # how many reads are worth having under way

    def sizes(self) -> dict[str, int]:
        """Return the bytes of what is there by name, sorted; without what is being written, or was at a kill."""
        ...

    def open(self, name: str, size: int, ranges: Sequence[Range]) -> Any:
        """Return what `pyarrow.parquet` reads: a path, or a file of which these ranges of bytes have arrived."""
        ...

    def read_bytes(self, name: str) -> bytes:
        """Return the file's content."""
        ...

    def write(self, name: str) -> AbstractContextManager[Path]:
        """Yield the path of a new file, which appears under its name when the block succeeds."""
        ...

    def set_aside(self, name: str) -> str:
        """Rename a damaged file, so that it is kept but not read; return its new full name."""
        ...

    def remove(self, name: str) -> None:
        """Remove a file, unless it is gone."""
        ...

    def locked(self, wait: bool) -> AbstractContextManager[bool]:
        """Hold the folder against other processes that lock it, where that is possible; False if another holds it."""
        ...

    def where(self, name: str) -> str:
        """Return the file's full name, for messages."""
        ...


@dataclass(frozen=True)
class LocalParts:
    """The files of a folder of this machine."""

    folder: Path
    threads = 1

    def sizes(self) -> dict[str, int]:
        """See `Parts.sizes`."""
        found = {}
        with suppress(FileNotFoundError), os.scandir(self.folder) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):  # removed since it was listed
                    if not entry.name.startswith("."):
                        found[entry.name] = entry.stat().st_size
        return dict(sorted(found.items()))

    def open(self, name: str, size: int, ranges: Sequence[Range]) -> Path:
        """See `Parts.open`."""
        return self.folder / name

    def read_bytes(self, name: str) -> bytes:
        """See `Parts.read_bytes`."""
        return (self.folder / name).read_bytes()

    @contextmanager
    def write(self, name: str) -> Iterator[Path]:
        """See `Parts.write`."""
        with atomic_path(self.folder / name) as temporary:
            yield temporary
        sweep(self.folder)

    def set_aside(self, name: str) -> str:
        """See `Parts.set_aside`."""
        return str(set_aside(self.folder / name))

    def remove(self, name: str) -> None:
        """See `Parts.remove`."""
        (self.folder / name).unlink(missing_ok=True)

    @contextmanager
    def locked(self, wait: bool) -> Iterator[bool]:
        """See `Parts.locked`."""
        from filelock import FileLock, Timeout

        lock = FileLock(self.folder / ".lock", blocking=wait)
        try:
            if self.folder.is_dir():
                lock.acquire()
        except Timeout:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()

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

    def sizes(self) -> dict[str, int]:
        """See `Parts.sizes`."""
        with self._asking() as (filesystem, base):
            filesystem.invalidate_cache()  # others write too
            try:
                found = filesystem.ls(base, detail=True)
            except FileNotFoundError:
                return {}
        named = {str(entry["name"]).rstrip("/").rsplit("/", 1)[-1]: int(entry["size"] or 0) for entry in found}
        return dict(sorted(named.items()))

    def open(self, name: str, size: int, ranges: Sequence[Range]) -> RangedFile:
        """See `Parts.open`."""

        def fetch(wanted: Sequence[Range]) -> list[bytes]:
            with self._asking() as (filesystem, base):
                path, starts, ends = join(base, name), [start for start, _ in wanted], [end for _, end in wanted]
                found: list[bytes] = filesystem.cat_ranges([path] * len(wanted), starts, ends, on_error="raise")
                return found

        return RangedFile(size, fetch, joined(ranges))

    def read_bytes(self, name: str) -> bytes:
        """See `Parts.read_bytes`."""
        with self._asking() as (filesystem, base):
            content: bytes = filesystem.cat_file(join(base, name))
            return content

    @contextmanager
    def write(self, name: str) -> Iterator[Path]:
        """See `Parts.write`."""
        with tempfile.TemporaryDirectory(prefix="imgsim-") as folder:
            yield (path := Path(folder) / name)
            self.upload(name, path)

    def upload(self, name: str, path: Path) -> None:
        """Add a file of this machine."""
        with self._asking() as (filesystem, base):
            filesystem.put_file(str(path), join(base, name))

    def set_aside(self, name: str) -> str:
        """See `Parts.set_aside`."""
        with self._asking() as (filesystem, base), suppress(FileNotFoundError):
            filesystem.mv(join(base, name), join(base, name + DAMAGED))
        return self.where(name + DAMAGED)

    def remove(self, name: str) -> None:
        """See `Parts.remove`."""
        with self._asking() as (filesystem, base), suppress(FileNotFoundError):
            filesystem.rm_file(join(base, name))

    def locked(self, wait: bool) -> AbstractContextManager[bool]:
        """See `Parts.locked`."""
        return nullcontext(True)

    def where(self, name: str) -> str:
        """See `Parts.where`."""
        return join(self.url, name)
