"""Scan of listed files: header and sha256 of each, read once, on a few threads."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Any

from imgsim.decoding.crash_journal import Journal, journal
from imgsim.decoding.decode import Header, probe
from imgsim.decoding.formats import JPEG
from imgsim.decoding.subprocess_check import check_alone
from imgsim.errors import ImageError
from imgsim.images.list_source import Entry
from imgsim.images.read_files import Files

CHUNK = 32  # files per task
AHEAD = 8  # tasks queued per thread: bounded, so memory does not grow with the number of files


def scan(entries: list[Entry], files: Files) -> Iterator[dict[str, Any] | tuple[str, ImageError]]:
    """Read the header and hash the bytes of each file, in order.

    Parameters
    ----------
    entries : list of Entry
    files : Files
        Where they are read from. At most ``files.threads`` files are in memory at any time.

    Yields
    ------
    dict or (str, ImageError)
        Columns of `schema.IMAGES` except ``id``; or the path of a file that cannot be used and its error.
    """
    chunks = (entries[start : start + CHUNK] for start in range(0, len(entries), CHUNK))
    with journal() as notes, ThreadPoolExecutor(files.threads, thread_name_prefix="imgsim-scan") as pool:
        submitted = (pool.submit(_read_chunk, chunk, files, notes) for chunk in chunks)
        pending: list[Future[list[Any]]] = list(islice(submitted, files.threads * AHEAD))
        try:
            while pending:
                yield from pending.pop(0).result()
                pending.extend(islice(submitted, 1))
        finally:
            for future in pending:
                future.cancel()


def _read_chunk(chunk: list[Entry], files: Files, notes: Journal) -> list[Any]:
    return [_read(entry, files, notes) for entry in chunk]


def _read(entry: Entry, files: Files, notes: Journal) -> dict[str, Any] | tuple[str, ImageError]:
    try:
        data, mtime = files.read(entry.path)
        digest = hashlib.sha256(data).hexdigest()
        header = _header(data, digest, notes)
    except ImageError as error:
        return entry.path, error
    if mtime is None:
        mtime = entry.mtime
    return {
        "path": entry.path,
        "label": entry.label,
        "sha256": digest,
        "bytes": len(data),
        "width": header.width,
        "height": header.height,
        "format": header.format,
        "orientation": header.orientation,
        "mtime": None if mtime is None else round(mtime * 1_000_000),
        "split": entry.split,
    }


def _header(data: bytes, digest: str, notes: Journal) -> Header:
    """Read the header of a file; what native code parses is noted in the crash journal."""
    if data.startswith(JPEG):  # read in Python
        return probe(data)
    if digest in notes.suspects:
        check_alone(data, "header")
    with notes.decoding(digest):
        return probe(data)
