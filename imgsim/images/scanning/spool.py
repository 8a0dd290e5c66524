"""Spool: files that a scan has downloaded, on this machine's disk until they are read for good.

A scan needs the bytes of a file for its sha256, the extraction for its pixels. The spool belongs to the process and is
removed at its end.
"""

import shutil
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp
from threading import Lock
from weakref import finalize

from imgsim.io.atomic import sweep
from imgsim.io.home import home

MOST_BYTES = 2**32
"""Bytes that wait at most; what a scan downloads beyond them is downloaded again. Also a quarter of the free disk."""


class Spool:
    """Files by sha256 in a temporary folder of the home, made when the first is put in."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._folder: Path | None = None
        self._sizes: dict[str, int] = {}
        self._room = 0

    def put(self, sha256: str, data: bytes) -> None:
        """Keep a file, if there is room."""
        with self._lock, suppress(OSError):  # a home that cannot be written, a full disk: it is downloaded again
            if self._folder is None:
                self._folder = _make_folder()
                finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
                self._room = min(MOST_BYTES, shutil.disk_usage(self._folder).free // 4)
            if sha256 in self._sizes or len(data) > self._room:
                return
            (self._folder / sha256).write_bytes(data)
            self._sizes[sha256] = len(data)
            self._room -= len(data)

    def take(self, sha256: str) -> bytes | None:
        """Return a file and remove it; None if it is not there."""
        with self._lock, suppress(OSError):
            if self._folder is not None and sha256 in self._sizes:
                path = self._folder / sha256
                self._room += self._sizes.pop(sha256)
                data = path.read_bytes()
                path.unlink()
                return data
        return None


def _make_folder() -> Path:
    home().mkdir(parents=True, exist_ok=True)
    sweep(home())  # what killed processes left
    return Path(mkdtemp(prefix=".spool.", suffix=".tmp", dir=home()))


DOWNLOADED = Spool()
"""The spool of this process."""
