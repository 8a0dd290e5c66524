"""The weight file of a Core ML package: tensors in one file, each behind a 64-byte record.

Layout as coremltools 9 writes it (mlmodel/src/MILBlob): a file header of 64 bytes (count, version),
then for every tensor a record at a multiple of 64 bytes (sentinel, type, size, offset of the data).
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imgsim.coreml.runtime.dtypes import BLOB_DTYPES, from_bytes
from imgsim.errors import CoreMLError, UnsupportedOperationError

RECORD = 64
VERSION = 2
_SENTINEL = 0xDEADBEEF


class WeightFile:
    """Reader of the tensors of one ``weight.bin``, by the offset of their record; memory-mapped.

    Raises
    ------
    CoreMLError
        The file is missing, truncated or damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.size = path.stat().st_size
            self._bytes = memoryview(np.memmap(path, np.uint8, "r"))  # type: ignore[arg-type]
        except (OSError, ValueError) as error:
            raise self._damaged(f"it cannot be read ({error})") from error
        if self.size < RECORD:
            raise self._damaged(f"{self.size} bytes are less than its header")
        _, version = struct.unpack_from("<II", self._bytes)
        if version != VERSION:
            raise self._damaged(f"its version is {version}, not {VERSION}")

    def read(self, offset: int, dtype: str, shape: tuple[int, ...]) -> NDArray[np.generic]:
        """Read the tensor whose record lies at ``offset``; ``dtype`` and ``shape`` are those the program declares.

        Raises
        ------
        CoreMLError, UnsupportedOperationError
            The record is damaged, contradicts the program, or is of an unknown type.
        """
        if offset % RECORD or offset < RECORD or offset + RECORD > self.size:
            raise self._damaged(f"no record fits at byte {offset} of {self.size}")
        sentinel, code, size, start = struct.unpack_from("<IIQQ", self._bytes, offset)
        if sentinel != _SENTINEL:
            raise self._damaged(f"byte {offset} does not begin a record")
        if code not in BLOB_DTYPES:
            raise UnsupportedOperationError(f"blob type {code}", f"{self.path} holds a tensor of unknown type {code}.")
        if BLOB_DTYPES[code] != dtype:
            raise self._damaged(f"the tensor at byte {offset} is {BLOB_DTYPES[code]}, the program says {dtype}")
        if start + size > self.size:
            raise self._damaged(f"the tensor at byte {offset} ends at byte {start + size}, the file at {self.size}")
        try:
            return from_bytes(self._bytes[start : start + size].tobytes(), dtype, shape)
        except ValueError as error:
            raise self._damaged(f"the tensor at byte {offset}: {error}") from error

    def _damaged(self, reason: str) -> CoreMLError:
        return CoreMLError(f"the weights {self.path} are absent or damaged: {reason}. Export the package again.")


def tensor_ranges(path: Path) -> list[tuple[int, int]]:
    """Return start and size of the data of each tensor in a weight file, up to a record that is not understood."""
    found: list[tuple[int, int]] = []
    with path.open("rb") as file:
        size, at = path.stat().st_size, RECORD
        while at + RECORD <= size:
            file.seek(at)
            sentinel, _, length, start = struct.unpack("<IIQQ", file.read(24))
            if sentinel != _SENTINEL or start < at + RECORD or start + length > size:
                break
            found.append((start, length))
            at = -(-(start + length) // RECORD) * RECORD
    return found
