"""Scan memory: sha256 and header of the files that were read before, so that unchanged ones are not read again.

    <home>/scans.db    SQLite: digest of location and stamp -> sha256, bytes, width, height, format, orientation

No path is kept. A row holds for one location and one stamp (`imgsim.images.scanning.stamp`): a file that changes gets a
new row. A row of another decoding version is not used. Several processes may use the file at once. It is only a memory:
where it is locked or damaged, files are read as if there were none.
"""

from __future__ import annotations

import sqlite3
import time
import warnings
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import cache
from hashlib import blake2b
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from imgsim.decoding.formats import FORMATS
from imgsim.decoding.version import decoding_version
from imgsim.io.atomic import set_aside
from imgsim.io.home import home
from imgsim.io.sqlite import use_write_ahead_log

LAYOUT = 1
"""Raised when the columns change, or when another size or orientation is read from the same header."""
MOST_BYTES = 2**32
"""Size of the file, some 40 million rows, from which the half that was not used longest is forgotten."""
PATIENCE = 5.0
"""Seconds to wait for another process that writes."""
_AT_ONCE = 4096
_DAYS_BETWEEN = 30
"""Days after which a row that is used is marked as used again."""
_CREATE = """CREATE TABLE IF NOT EXISTS files (
    key BLOB PRIMARY KEY, sha256 BLOB NOT NULL, bytes INTEGER NOT NULL, width INTEGER NOT NULL,
    height INTEGER NOT NULL, format TEXT NOT NULL, orientation INTEGER NOT NULL, used INTEGER NOT NULL
) WITHOUT ROWID"""
_Row = tuple[bytes, bytes, int, int, int, str, int, int]


class Content(NamedTuple):
    """Columns of `imgsim.schema.IMAGES` that depend on a file's bytes alone."""

    sha256: str
    bytes: int
    width: int
    height: int
    format: str
    orientation: int


class ScanMemory:
    """Facts that one scan may use of earlier ones, and adds for later ones; made by `open_memory`.

    Parameters
    ----------
    records : sqlite3.Connection or None
        None remembers nothing.
    path : Path
        Of the file, for messages.
    """

    def __init__(self, records: sqlite3.Connection | None, path: Path) -> None:
        self._records = records
        self._path = path
        self._lock = Lock()
        self._new: list[_Row] = []
        self._today = int(time.time() // 86400)

    def find(self, keys: Sequence[bytes | None]) -> list[Content | None]:
        """Return the content of each key (`key_of`), None for what is not known."""
        wanted = [key for key in keys if key is not None]
        with self._lock:
            rows = self._select(wanted) if wanted else []
            self._new += [(*row[:-1], self._today) for row in rows if row[-1] < self._today - _DAYS_BETWEEN]
        kinds = _kinds()
        known = {
            key: Content(sha256.hex(), size, width, height, kinds[kind], orientation)
            for key, sha256, size, width, height, kind, orientation, _ in rows
            if kind in kinds
        }
        return [None if key is None else known.get(key) for key in keys]

    def add(self, key: bytes, content: Content) -> None:
        """Remember the content of a key."""
        kind = next(name for name, kind in _kinds().items() if kind == content.format)
        row = (key, bytes.fromhex(content.sha256), *content[1:4], kind, content.orientation, self._today)
        with self._lock:
            self._new.append(row)
            if len(self._new) >= _AT_ONCE:
                self._write()

    def close(self) -> None:
        """Write what is new."""
        with self._lock:
            self._write()
            if self._records is not None:
                self._records.close()
                self._records = None

    def _select(self, keys: Sequence[bytes]) -> list[_Row]:
        if self._records is None:
            return []
        marks = ", ".join("?" * len(keys))
        try:
            return self._records.execute(f"SELECT * FROM files WHERE key IN ({marks})", keys).fetchall()
        except sqlite3.Error as error:
            self._give_up(error)
            return []

    def _write(self) -> None:
        rows, self._new = self._new, []
        if self._records is None or not rows:
            return
        try:
            with self._records:
                self._records.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
            _limit(self._records)
        except sqlite3.Error as error:
            self._give_up(error)

    def _give_up(self, error: sqlite3.Error) -> None:
        """Go on without the file: a damaged one is renamed, and the next scan begins a new one."""
        if self._records is not None:
            with suppress(sqlite3.Error):
                self._records.close()
        self._records = None
        _warn(self._path, error)


def key_of(location: str, stamp: str) -> bytes:
    """Return the digest of a file's full path or URL and of its stamp."""
    return blake2b(f"{location}\0{stamp}".encode(), digest_size=16).digest()


@contextmanager
def open_memory(path: Path | None = None) -> Iterator[ScanMemory]:
    """Open the memory of this home, or the file ``path``; what is new is written at the end of the block."""
    path = path or home() / "scans.db"
    memory = ScanMemory(_open(path), path)
    try:
        yield memory
    finally:
        memory.close()


def forget(sha256: Iterable[str], path: Path | None = None) -> None:
    """Remove every row of these contents, so that nothing of them can be read from the file."""
    path = path or home() / "scans.db"
    if not path.exists() or (records := _open(path)) is None:
        return
    with closing(records):
        records.execute("PRAGMA secure_delete = ON")
        with records:
            records.executemany("DELETE FROM files WHERE sha256 = ?", _blobs(sha256))
        records.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _blobs(sha256: Iterable[str]) -> Collection[tuple[bytes]]:
    return [(bytes.fromhex(key),) for key in sha256]


def _open(path: Path) -> sqlite3.Connection | None:
    """Open the file, made where there is none; None, after a warning, where that cannot be done."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError:  # what must be written there tells it
        return None
    try:
        return _connect(path)
    except sqlite3.Error as error:
        _warn(path, error)
        return None


def _connect(path: Path) -> sqlite3.Connection:
    records = sqlite3.connect(path, timeout=PATIENCE, check_same_thread=False)
    try:
        use_write_ahead_log(records, PATIENCE)
        records.execute("PRAGMA synchronous = NORMAL")
        if records.execute("PRAGMA user_version").fetchone()[0] != LAYOUT:
            _create(records)
    except sqlite3.Error:
        records.close()
        raise
    return records


def _create(records: sqlite3.Connection) -> None:
    records.execute("BEGIN IMMEDIATE")
    if records.execute("PRAGMA user_version").fetchone()[0] != LAYOUT:  # else another process was faster
        records.execute("DROP TABLE IF EXISTS files")
        records.execute(_CREATE)
        records.execute(f"PRAGMA user_version = {LAYOUT}")
    records.commit()


def _limit(records: sqlite3.Connection) -> None:
    pages, free, size = (
        records.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    if (pages - free) * size > MOST_BYTES:
        oldest = "SELECT key FROM files ORDER BY used LIMIT (SELECT count(*) / 2 FROM files)"
        with records:
            records.execute(f"DELETE FROM files WHERE key IN ({oldest})")


def _warn(path: Path, error: sqlite3.Error) -> None:
    """Warn that files are read again; a damaged memory is renamed."""
    reason = f"{path}, which remembers scanned files, cannot be used ({error})"
    if isinstance(error, sqlite3.OperationalError):  # locked, read-only, disk full
        warnings.warn(f"{reason}: all files are read.", stacklevel=2)
        return
    for suffix in ("-wal", "-shm"):
        with suppress(OSError):
            path.with_name(path.name + suffix).unlink()
    try:
        kept = set_aside(path).name
    except OSError:
        kept = "it was; delete it"
    warnings.warn(f"{reason}. It is kept as {kept}; all files are read.", stacklevel=2)


@cache
def _kinds() -> dict[str, str]:
    """Return each format by the name of its present version: ``{"JPEG 5f0c21aa": "JPEG", ...}``."""
    return {f"{kind} {blake2b(decoding_version(kind).encode(), digest_size=4).hexdigest()}": kind for kind in FORMATS}
