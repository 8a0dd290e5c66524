"""Scan of listed files: header and sha256 of each, remembered or read once, on a few threads."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any

from imgsim.decoding.crash_journal import Journal, journal
from imgsim.decoding.decode import Header, probe
from imgsim.decoding.formats import JPEG
from imgsim.decoding.subprocess_check import check_alone
from imgsim.errors import ImageError
from imgsim.images.listing import Entry
from imgsim.images.read_files import Files
from imgsim.images.scanning.memory import Content, ScanMemory, key_of, open_memory
from imgsim.images.scanning.spool import DOWNLOADED
from imgsim.images.scanning.stamp import Stamp
from imgsim.io.urls import join

FIRST_SECOND, END_SECOND = -62_135_596_800, 253_402_300_800  # of the years 1 and 10000, from 1970
CHUNK = 32  # files per task
AHEAD = 8  # tasks queued per thread: bounded, so memory does not grow with the number of files


def scan(
    entries: list[Entry], files: Files, root: str, *, rehash: bool = False
) -> Iterator[dict[str, Any] | tuple[str, ImageError]]:
    """Read the header and hash the bytes of each file, in order; files unchanged since an earlier scan are not read.

    Parameters
    ----------
    entries : list of Entry
    files : Files
        Where they are read from. At most ``files.threads`` files are in memory at any time.
    root : str
        Folder or URL that their paths start from.
    rehash : bool
        Read all files, whatever `imgsim.images.scanning.memory` knows of them.

    Yields
    ------
    dict or (str, ImageError)
        Columns of `schema.IMAGES` except ``id``; or the path of a file that cannot be used and its error.
    """
    chunks = (entries[start : start + CHUNK] for start in range(0, len(entries), CHUNK))
    with (
        journal() as notes,
        open_memory() as memory,
        ThreadPoolExecutor(files.threads, thread_name_prefix="imgsim-scan") as pool,
    ):
        work = _Scan(files, root, notes, memory, rehash)
        submitted = (pool.submit(work.chunk, chunk) for chunk in chunks)
        pending: list[Future[list[Any]]] = list(islice(submitted, files.threads * AHEAD))
        try:
            while pending:
                yield from pending.pop(0).result()
                pending.extend(islice(submitted, 1))
        finally:
            for future in pending:
                future.cancel()


@dataclass(frozen=True)
class _Scan:
    """State that the threads of one scan share."""

    files: Files
    root: str
    notes: Journal
    memory: ScanMemory
    rehash: bool

    def chunk(self, entries: list[Entry]) -> list[dict[str, Any] | tuple[str, ImageError]]:
        """Scan some files."""
        stamps = [self.files.stamp(entry) for entry in entries]
        keys = [self._key(entry, stamp) for entry, stamp in zip(entries, stamps, strict=True)]
        known = [None] * len(entries) if self.rehash else self.memory.find(keys)
        found: list[dict[str, Any] | tuple[str, ImageError]] = []
        for entry, stamp, key, content in zip(entries, stamps, keys, known, strict=True):
            try:
                if content is not None and stamp is not None:
                    found.append(_row(entry, content, stamp.mtime))
                else:
                    found.append(self._read(entry, key))
            except ImageError as error:
                found.append((entry.path, error))
        return found

    def _key(self, entry: Entry, stamp: Stamp | None) -> bytes | None:
        return None if stamp is None else key_of(join(self.root, entry.path), stamp.text)

    def _read(self, entry: Entry, key: bytes | None) -> dict[str, Any]:
        """Read a file, and remember it under its key unless it changed meanwhile."""
        data, mtime = self.files.read(entry.path)
        digest = hashlib.sha256(data).hexdigest()
        content = Content(digest, len(data), *_header(data, digest, self.notes))
        if self.files.is_remote(entry.path):
            DOWNLOADED.put(digest, data)
        if key is not None and key == self._key(entry, self.files.stamp(entry)):
            self.memory.add(key, content)
        return _row(entry, content, mtime)


def _row(entry: Entry, content: Content, mtime: float | None) -> dict[str, Any]:
    mtime = _microseconds(entry.mtime if mtime is None else mtime)
    return {"path": entry.path, "label": entry.label, "split": entry.split, "mtime": mtime, **content._asdict()}


def _microseconds(seconds: float | None) -> int | None:
    """Convert seconds since 1970 to microseconds; None for what no calendar has (years 1 to 9999)."""
    if seconds is None or not FIRST_SECOND <= seconds < END_SECOND:
        return None
    return round(seconds * 1_000_000)


def _header(data: bytes, digest: str, notes: Journal) -> Header:
    """Read the header of a file; what native code parses is noted in the crash journal."""
    if data.startswith(JPEG):  # read in Python
        return probe(data)
    if digest in notes.suspects:
        check_alone(data, "header")
    with notes.decoding(digest):
        return probe(data)
