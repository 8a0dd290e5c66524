"""Crash journal: the sha256 of each file being decoded, on disk, so that the next run knows which file killed this one.

    <home>/inflight/<id>         64 hexadecimal digits per file, or blanks
    <home>/inflight/<id>.lock    locked as long as the process that writes it lives

A crash in a decoder's native code ends the process and cannot be caught. So the sha256 of a file is written to the
journal before its bytes go to a decoder, and blanked afterwards. The journal of a dead process names the files that
were being decoded when it died. They are suspects, and `imgsim.decoding.subprocess_check` decodes each in a process of
its own.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from io import FileIO
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from imgsim.io.home import home

if TYPE_CHECKING:
    from filelock import BaseFileLock

DIGITS = 64  # of a sha256 in hexadecimal
_BLANK = b" " * DIGITS


class Journal:
    """Journal of one run: files being decoded now, and ``suspects`` of earlier runs that died; made by `journal`."""

    def __init__(self, file: FileIO | None, suspects: set[str]) -> None:
        self.suspects = suspects
        self._file = file
        self._lock = Lock()
        self._free: list[int] = []
        self._used = 0
        self._suspected = {sha256: self._note(sha256) for sha256 in sorted(suspects)}

    @contextmanager
    def decoding(self, sha256: str) -> Iterator[None]:
        """Note the file of this sha256 for as long as the block decodes it."""
        slot = self._note(sha256)
        try:
            yield
        finally:  # not reached by a crash
            self._blank(slot)

    def clear(self, sha256: str) -> None:
        """Remove a suspect after it was checked in a process of its own."""
        with self._lock:
            slot = self._suspected.pop(sha256, None)
            self.suspects.discard(sha256)
        if slot is not None:
            self._blank(slot)

    def _note(self, sha256: str) -> int:
        with self._lock:
            slot = self._free.pop() if self._free else self._used
            self._used = max(self._used, slot + 1)
        self._write(slot, sha256.encode())
        return slot

    def _blank(self, slot: int) -> None:
        self._write(slot, _BLANK)
        with self._lock:
            self._free.append(slot)

    def _write(self, slot: int, record: bytes) -> None:
        if self._file is not None:
            with suppress(OSError), self._lock:  # a full disk must not stop the run
                self._file.seek(slot * DIGITS)
                self._file.write(record)


@contextmanager
def journal() -> Iterator[Journal]:
    """Open a journal for this run; without a writable home it is kept in memory only and a crash leaves no trace."""
    path = home() / "inflight" / uuid.uuid4().hex
    lock = _lock(_lock_of(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
        file = path.open("xb", buffering=0)
    except OSError:
        lock.release()
        yield Journal(None, set())
        return
    try:
        with file:
            made = _successor(path, file)
            yield made
        if not made.suspects:
            path.unlink(missing_ok=True)
            _lock_of(path).unlink(missing_ok=True)
    finally:
        lock.release()
        with suppress(OSError):
            path.parent.rmdir()


def _lock_of(path: Path) -> Path:
    return path.with_suffix(".lock")


def _lock(path: Path, blocking: bool = True) -> BaseFileLock:
    from filelock import FileLock

    return FileLock(path, blocking=blocking)


def _successor(own: Path, file: FileIO) -> Journal:
    """Make the journal of this run: it takes over the suspects of journals whose process is dead, and removes those."""
    with ExitStack() as held:
        others = set(own.parent.glob("*.lock")) - {_lock_of(own)}
        dead = [lock.with_suffix("") for lock in sorted(others) if _is_free(lock, held)]
        made = Journal(file, {sha256 for path in dead for sha256 in _records(path)})
        for path in dead:
            path.unlink(missing_ok=True)
            with suppress(OSError):  # Windows removes a lock file when it is released, not before
                _lock_of(path).unlink(missing_ok=True)
    return made


def _is_free(lock: Path, held: ExitStack) -> bool:
    """Take a lock that no living process holds, and keep it as long as ``held``."""
    try:
        held.enter_context(_lock(lock, blocking=False))
    except OSError:  # filelock.Timeout is one
        return False
    return True


def _records(path: Path) -> set[str]:
    with suppress(FileNotFoundError), path.open("rb") as file:
        content = file.read(1 << 20)
        records = (content[start : start + DIGITS] for start in range(0, len(content), DIGITS))
        return {record.decode("ascii", "ignore") for record in records if len(record) == DIGITS and record.isalnum()}
    return set()
