"""Which files a decoder is looking at right now, on disk: what killed a process is known to the next one.

    <home>/inflight/<id>    64 hexadecimal digits per file, or blanks; locked as long as its process lives

A crash in a decoder's machine code ends the process, and nothing can be caught. The sha256 of a file is noted before
its bytes go to a decoder and blanked after. A journal whose process is gone names the files that were being decoded
when it died: suspects, which `imgsim.decoding.subprocess_check` then tries in a process of their own.
"""

import fcntl
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock

from imgsim.io.home import home

KEY = 64  # length of a sha256 in hexadecimal digits
_BLANK = b" " * KEY


class Journal:
    """The files in flight of one run, and the suspects that runs before it left; use `journal`."""

    def __init__(self, file: int | None, suspects: set[str]) -> None:
        self.suspects = suspects
        self._file = file
        self._lock = Lock()
        self._free: list[int] = []
        self._used = 0
        self._suspected = {key: self._note(key) for key in sorted(suspects)}

    @contextmanager
    def flight(self, key: str) -> Iterator[None]:
        """Note that the file of this sha256 is with a decoder."""
        slot = self._note(key)
        try:
            yield
        finally:  # not reached by a crash
            self._blank(slot)

    def clear(self, key: str) -> None:
        """Forget a suspicion: the file was tried alone."""
        with self._lock:
            slot = self._suspected.pop(key, None)
            self.suspects.discard(key)
        if slot is not None:
            self._blank(slot)

    def _note(self, key: str) -> int:
        with self._lock:
            slot = self._free.pop() if self._free else self._used
            self._used = max(self._used, slot + 1)
        self._write(slot, key.encode())
        return slot

    def _blank(self, slot: int) -> None:
        self._write(slot, _BLANK)
        with self._lock:
            self._free.append(slot)

    def _write(self, slot: int, key: bytes) -> None:
        if self._file is not None:
            with suppress(OSError):  # a full disk must not stop the run
                os.pwrite(self._file, key, slot * KEY)


@contextmanager
def journal() -> Iterator[Journal]:
    """A journal of this run; without a writable home there is none, and a crash leaves no trace."""
    folder = home() / "inflight"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file, path = _create(folder)
    except OSError:
        yield Journal(None, set())
        return
    try:
        dead = _dead(folder, path)
        made = Journal(file, {key for content in dead.values() for key in _keys(content)})
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
    """An empty journal, locked before others can see it."""
    name = uuid.uuid4().hex
    hidden, path = folder / f".{name}.tmp", folder / name
    file = os.open(hidden, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    fcntl.flock(file, fcntl.LOCK_EX)
    hidden.rename(path)
    return file, path


def _dead(folder: Path, own: Path) -> dict[Path, bytes]:
    """Content of the journals that no living process holds."""
    found = {}
    for path in sorted(folder.glob("[!.]*")):
        if path == own:
            continue
        with suppress(OSError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            found[path] = file.read(1 << 20)
    return found


def _keys(content: bytes) -> set[str]:
    records = (content[start : start + KEY] for start in range(0, len(content), KEY))
    return {record.decode("ascii", "ignore") for record in records if len(record) == KEY and record.isalnum()}
