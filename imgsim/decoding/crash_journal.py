"""Crash journal: the sha256 of each file being decoded, on disk, so that the next run knows which file killed this one.

    <home>/inflight/<id>    64 hexadecimal digits per file, or blanks; locked as long as its process lives

A crash in a decoder's native code ends the process and cannot be caught. So the sha256 of a file is written to the
journal before its bytes go to a decoder, and blanked afterwards. The journal of a dead process names the files that
were being decoded when it died. They are suspects, and `imgsim.decoding.subprocess_check` decodes each in a process of
its own.
"""

import fcntl
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock

from imgsim.io.home import home

DIGITS = 64  # of a sha256 in hexadecimal
_BLANK = b" " * DIGITS


class Journal:
    """Journal of one run: files being decoded now, and ``suspects`` of earlier runs that died; made by `journal`."""

    def __init__(self, file: int | None, suspects: set[str]) -> None:
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
            with suppress(OSError):  # a full disk must not stop the run
                os.pwrite(self._file, record, slot * DIGITS)


@contextmanager
def journal() -> Iterator[Journal]:
    """Open a journal for this run; without a writable home it is kept in memory only and a crash leaves no trace."""
    folder = home() / "inflight"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file, path = _create(folder)
    except OSError:
        yield Journal(None, set())
        return
    try:
        dead = _dead(folder, path)
        made = Journal(file, {sha256 for content in dead.values() for sha256 in _records(content)})
        for gone in dead:
            gone.unlink(missing_ok=True)
        yield made
        if not made.suspects:
            path.unlink(missing_ok=True)
    finally:
        os.close(file)  # and with it the lock
        with suppress(OSError):
            folder.rmdir()


def _create(folder: Path) -> tuple[int, Path]:
    """Create an empty journal file, locked before it becomes visible; return its descriptor and path."""
    name = uuid.uuid4().hex
    hidden, path = folder / f".{name}.tmp", folder / name
    file = os.open(hidden, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    fcntl.flock(file, fcntl.LOCK_EX)
    hidden.rename(path)
    return file, path


def _dead(folder: Path, own: Path) -> dict[Path, bytes]:
    """Read the journals whose process is dead (nobody holds their lock)."""
    found = {}
    for path in sorted(folder.glob("[!.]*")):
        if path == own:
            continue
        with suppress(OSError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            found[path] = file.read(1 << 20)
    return found


def _records(content: bytes) -> set[str]:
    records = (content[start : start + DIGITS] for start in range(0, len(content), DIGITS))
    return {record.decode("ascii", "ignore") for record in records if len(record) == DIGITS and record.isalnum()}
