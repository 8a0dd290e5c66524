"""Ranges of bytes of a file that is far away, as a file to read from."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any

Range = tuple[int, int]
"""First byte, and the one after the last."""

GAP = 16 * 1024
"""Bytes between two ranges that are cheaper to fetch along than to ask twice."""


def joined(ranges: Sequence[Range]) -> list[Range]:
    """Sort ranges, and make one of those that overlap or lie close together."""
    found: list[Range] = []
    for start, end in sorted(ranges):
        if found and start - found[-1][1] <= GAP:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return found


class RangedFile(io.RawIOBase):
    """Read-only file of known size; ``fetch`` gets some ranges at once, and others when they are read."""

    def __init__(self, size: int, fetch: Callable[[Sequence[Range]], list[bytes]], ranges: Sequence[Range]) -> None:
        self._size = size
        self._fetch = fetch
        self._starts = [start for start, _ in ranges]
        self._fetched = fetch(ranges) if ranges else []
        self._position = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a position, which is returned."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer from the position on, return the number of bytes."""
        start, end = self._position, min(self._position + len(buffer), self._size)
        if start >= end:
            return 0
        data = self._of(start, end)
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def _of(self, start: int, end: int) -> memoryview:
        place = bisect_right(self._starts, start) - 1
        if place >= 0 and end <= self._starts[place] + len(self._fetched[place]):
            return memoryview(self._fetched[place])[start - self._starts[place] : end - self._starts[place]]
        return memoryview(self._fetch([(start, end)])[0])
