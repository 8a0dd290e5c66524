"""Files that are read later and held from now on: what replaces or removes them is never read in their place."""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import Any

import pyarrow as pa

from imgsim.errors import ModelFormatError

_READ_AT_ONCE = 2**20
"""Bytes up to which a file is read instead of mapped: each mapping keeps a file descriptor open."""


class HeldFile:
    """A file whose present content can be read at any time.

    Small files are read at once, larger ones are memory-mapped. A copy shares the content; a pickle names the file,
    which must be unchanged when it is unpickled.

    Parameters
    ----------
    path : Path

    Raises
    ------
    OSError
        It cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            self.size = status.st_size
            self._identity = (status.st_size, status.st_mtime_ns)
            mapped = self.size > _READ_AT_ONCE
            self._data: Any = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if mapped else file.read()

    def open(self) -> pa.BufferReader:
        """Return the content as a file for Arrow; nothing is copied.

        Raises
        ------
        ModelFormatError
            The file was shortened or lengthened in place.
        """
        if isinstance(self._data, mmap.mmap) and self._data.size() != self.size:
            raise ModelFormatError(f"{self.path} was changed while it was in use; load the model again.")
        return pa.BufferReader(pa.py_buffer(self._data))

    def read(self) -> bytes:
        """Return the content; errors as `open`."""
        return bytes(self.open().read())

    def copy_to(self, target: Path) -> None:
        """Write the content to a new file; errors as `open`."""
        with target.open("wb") as file:
            file.write(self.open().read_buffer())

    def __copy__(self) -> HeldFile:
        return self

    def __deepcopy__(self, memo: Any) -> HeldFile:
        return self

    def __reduce__(self) -> Any:
        return _hold_again, (self.path, self._identity)


def _hold_again(path: Path, identity: tuple[int, int]) -> HeldFile:
    """Hold a file that another process held, if it is the same still."""
    try:
        held = HeldFile(path)
    except OSError as error:
        raise ModelFormatError(f"{path} is gone or cannot be read ({error}); load the model again.") from error
    if held._identity != identity:
        raise ModelFormatError(f"{path} was changed while it was in use; load the model again.")
    return held
