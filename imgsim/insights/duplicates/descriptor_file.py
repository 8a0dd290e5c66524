"""Descriptors of pictures in a temporary file, of which those of a few rows are read at once."""

from __future__ import annotations

import os
from tempfile import TemporaryFile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imgsim.insights.descriptor import BYTES, Descriptors
from imgsim.io.home import home


class DescriptorFile:
    """Descriptors (n, 1536) in a file without a name, which is gone when the block ends.

    It lies in `imgsim.io.home.home` where that can be written, else in the system's temporary folder. Rows are read
    into memory of their own: pages of a memory-mapped file would count as memory of the process.
    """

    def __enter__(self) -> DescriptorFile:
        folder = home()
        self._file = TemporaryFile(dir=folder if os.access(folder, os.W_OK) else None)
        return self

    def __exit__(self, *_: Any) -> None:
        self._file.close()

    def write(self, rows: NDArray[np.int64], descriptors: Descriptors) -> None:
        """Write the descriptors (m, 1536) of rows."""
        for row, descriptor in zip(rows.tolist(), descriptors, strict=True):
            self._file.seek(row * BYTES)
            self._file.write(descriptor.data)

    def __getitem__(self, rows: NDArray[np.int64]) -> Descriptors:
        """Read the descriptors of rows that were written, (m, 1536)."""
        distinct, place = np.unique(rows, return_inverse=True)
        found = np.empty((len(distinct), BYTES), np.uint8)
        for row, descriptor in zip(distinct.tolist(), found, strict=True):
            self._file.seek(row * BYTES)
            self._file.readinto(descriptor.data)
        return found[place]
