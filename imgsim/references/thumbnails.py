"""Thumbnails of reference images: read from a model folder or the feature store, and written into a model folder."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from imgsim import schema
from imgsim.decoding.decode import probe
from imgsim.errors import ImageError
from imgsim.features.store import FeatureStore
from imgsim.io import arrow
from imgsim.io.atomic import atomic_path
from imgsim.io.held_file import HeldFile
from imgsim.io.untrusted import BoundedParquet

Thumbnails = Callable[[Sequence[str]], list[bytes | None]]
"""sha256 of files to their thumbnails: JPEG bytes, or None where there is none."""

MAX_SIDE = 1024
"""Pixels of the longest side; imgsim makes them of 160."""
MAX_BYTES = 2**20
GROUP_ROWS = 256
"""Thumbnails that are read together, at most on average: a row group of the file."""
_BLOCK = 4096
"""Thumbnails that are taken from the source at once."""
_GROUPS_KEPT = 64


class SavedThumbnails:
    """Thumbnails of a model folder; the few that are asked for are read from the file, which is held open.

    Parameters
    ----------
    file : HeldFile
        What `write_thumbnails` wrote.
    """

    def __init__(self, file: HeldFile) -> None:
        self.file = file

    def __reduce__(self) -> Any:
        return SavedThumbnails, (self.file,)

    @cached_property
    def _parquet(self) -> BoundedParquet:
        with arrow.name_damage(self.file):
            parquet = BoundedParquet(self.file)
        arrow.refuse_other_columns(parquet.schema, schema.THUMBNAILS, self.file)
        return parquet

    @cached_property
    def _row_of_key(self) -> dict[str, int]:
        with arrow.name_damage(self.file):
            keys = self._parquet.read(columns=["sha256"])["sha256"].to_pylist()
        return {key: row for row, key in enumerate(keys)}

    @cached_property
    def _group(self) -> Callable[[int], pa.ChunkedArray]:
        def read(group: int) -> pa.ChunkedArray:
            with arrow.name_damage(self.file):
                return self._parquet.read([group], ["thumbnail"])["thumbnail"]

        return lru_cache(_GROUPS_KEPT)(read)

    def __call__(self, keys: Sequence[str]) -> list[bytes | None]:
        """Return the thumbnails of files by sha256: JPEG bytes, or None if the model has none or an invalid one."""
        rows = np.array([self._row_of_key.get(key, -1) for key in keys], np.int64)
        starts = np.cumsum([0, *self._parquet.group_rows])
        groups = np.searchsorted(starts, rows, "right") - 1
        found: list[bytes | None] = [None] * len(rows)
        for group in np.unique(groups[rows >= 0]).tolist():
            places = np.flatnonzero(groups == group)
            read = self._group(group).take(pa.array(rows[places] - starts[group])).to_pylist()
            for place, data in zip(places.tolist(), read, strict=True):
                found[place] = data if _is_thumbnail(data) else None
        return found


@dataclass(frozen=True)
class CombinedThumbnails:
    """Thumbnails of several sources; the first that has one gives it."""

    sources: tuple[Thumbnails, ...]

    def __call__(self, keys: Sequence[str]) -> list[bytes | None]:
        """Return the thumbnails of files by sha256."""
        found: list[bytes | None] = [None] * len(keys)
        for source in self.sources:
            missing = [place for place, data in enumerate(found) if data is None]
            for place, data in zip(missing, source([keys[place] for place in missing]), strict=True) if missing else ():
                found[place] = data
        return found


def combined(first: Thumbnails | None, second: Thumbnails) -> Thumbnails:
    """Combine two sources of thumbnails; ``second`` is used for those that ``first`` lacks.

    A source that ``first`` holds already is not added: many additions from one store look it up once.
    """
    sources = first.sources if isinstance(first, CombinedThumbnails) else () if first is None else (first,)
    if _place(second) in [_place(source) for source in sources]:
        return CombinedThumbnails(sources)
    return CombinedThumbnails((*sources, second))


def _place(source: Thumbnails) -> Any:
    """Return what a source reads from, to compare sources by."""
    owner = getattr(source, "__self__", None)
    return owner.root if isinstance(owner, FeatureStore) else source


def _is_thumbnail(data: bytes) -> bool:
    """Return True for a small JPEG, by its header: callers draw thumbnails without a check of their own."""
    if len(data) > MAX_BYTES:
        return False
    try:
        header = probe(data)
    except ImageError:
        return False
    return header.format == "JPEG" and max(header.width, header.height) <= MAX_SIDE


def write_thumbnails(source: Thumbnails, sha256: Sequence[str], path: Path) -> None:
    """Write the thumbnails of files by sha256, a row group for each first bits of it; no file where there are none.

    So a picture more or less changes the bytes of one group, which hold no positions, and of the file's footer.
    Statistics, which would repeat whole thumbnails in the footer, are left out.
    """
    with _spooled(source, sha256, path.parent) as spool:
        if spool.sizes.any():
            _write(spool, path)


class _Spool:
    """Thumbnails in a temporary file, in any order, and where the one of each sorted key lies: size 0 is none."""

    def __init__(self, keys: Sequence[str], file: IO[bytes]) -> None:
        self.keys, self._file = keys, file
        self._starts, self.sizes = np.zeros((2, len(keys)), np.int64)
        self._end = 0

    def add(self, key: str, thumbnail: bytes) -> None:
        row = bisect_left(self.keys, key)
        if self.sizes[row]:
            return  # of another row with the same bytes
        self._starts[row], self.sizes[row] = self._end, len(thumbnail)
        self._end += self._file.write(thumbnail)

    def table(self, rows: range) -> pa.Table:
        """Return the thumbnails of some keys, as `imgsim.schema.THUMBNAILS`."""
        kept = [row for row in rows if self.sizes[row]]
        columns = [
            pa.array([self.keys[row] for row in kept], pa.string()),
            pa.array([self._read(row) for row in kept], pa.binary()),
        ]
        return pa.table(columns, schema=schema.THUMBNAILS)

    def _read(self, row: int) -> bytes:
        self._file.seek(self._starts[row])
        return self._file.read(self.sizes[row])


@contextmanager
def _spooled(source: Thumbnails, sha256: Sequence[str], folder: Path) -> Iterator[_Spool]:
    """Copy thumbnails to a temporary file, in the order in which the source reads each of its parts once.

    A model holds them sorted, the feature store in the order of the images: to ask it for sorted ones would read all of
    it for each block.
    """
    keys = sorted(set(sha256))
    asked = keys if isinstance(source, (SavedThumbnails, CombinedThumbnails)) else sha256
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryFile(dir=folder) as file:
        spool = _Spool(keys, file)
        for start in range(0, len(asked), _BLOCK):
            block = asked[start : start + _BLOCK]
            for key, data in zip(block, source(block), strict=True):
                if data is not None and len(data) <= MAX_BYTES:
                    spool.add(key, data)
            pa.default_memory_pool().release_unused()  # Arrow would keep what several blocks took
        yield spool


def _write(spool: _Spool, path: Path) -> None:
    options: dict[str, Any] = {"compression": "none", "use_dictionary": False, "write_statistics": False}
    with (
        atomic_path(path) as temporary,
        pq.ParquetWriter(temporary, schema.THUMBNAILS, write_page_checksum=True, **options) as writer,
    ):
        for rows in _groups(spool.keys):
            if len(table := spool.table(rows)):
                writer.write_table(table, row_group_size=len(table))


def group_ranges(path: Path) -> list[tuple[int, int]]:
    """Return first byte and number of bytes of each row group of a file of thumbnails."""
    with pq.ParquetFile(path) as file:
        groups = [file.metadata.row_group(number) for number in range(file.metadata.num_row_groups)]
    columns = [[group.column(number) for number in range(group.num_columns)] for group in groups]
    return [
        (min(column.data_page_offset for column in each), sum(column.total_compressed_size for column in each))
        for each in columns
    ]


def _groups(keys: Sequence[str]) -> list[range]:
    """Divide the rows of sorted keys by their first bits, as many as leave at most `GROUP_ROWS` a group on average."""
    bits = max(0, (len(keys) - 1).bit_length() - (GROUP_ROWS.bit_length() - 1))
    edges = [bisect_left(keys, f"{number << (32 - bits):08x}") for number in range(1, 2**bits)]
    return [range(start, end) for start, end in pairwise([0, *edges, len(keys)])]
