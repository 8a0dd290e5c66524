"""Reading of one part: its index, its keys, and the values of some rows."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from imgsim.errors import StoreError
from imgsim.features.content.index import BYTES, DamagedError, Digests, Index, from_arrow, sort
from imgsim.features.content.names import PartName
from imgsim.io import arrow
from imgsim.io.error_text import explain
from imgsim.io.object_store import Parts
from imgsim.io.ranges import Range

Answer = TypeVar("Answer")
TAIL = 64 * 1024
"""Bytes at the end of a part that Arrow reads for its footer."""
BLOCK = 128
"""Groups that are read at once."""
_IS_KIND: dict[str, Callable[[pa.DataType], bool]] = {
    "feature": lambda kind: pa.types.is_fixed_size_binary(kind) and kind.byte_width % 4 == 0,
    "traits": pa.types.is_struct,
    "thumbnail": pa.types.is_binary,
    "reason": pa.types.is_string,
    "sha256": lambda kind: kind == pa.binary(BYTES),
    "index_sha256": lambda kind: kind == pa.binary(BYTES),
    "index_row": pa.types.is_int32,
}
_WAS_KIND = _IS_KIND | {"feature": pa.types.is_fixed_size_list, "sha256": pa.types.is_string}
"""The same of parts without index (imgsim 0.1 and 0.2)."""


class PartGoneError(Exception):
    """A part that was listed is not there any more: another process, or this one, has renamed or merged it."""


class Part:
    """One part, of which footer and index are read once.

    Raises
    ------
    PartGoneError
        It is gone, or damaged: then it was renamed, with a warning.
    StoreError
        It cannot be read at the moment, or is damaged and cannot be renamed.
    """

    def __init__(self, parts: Parts, name: PartName, size: int, value: str) -> None:
        self.name = name
        self._parts = parts
        self._size = size
        self._value = value
        self._kinds = _WAS_KIND if name.rows is None else _IS_KIND
        self._metadata: pq.FileMetaData = self._ask([(max(0, size - TAIL), size)], lambda file: file.metadata)
        groups = [self._metadata.row_group(number).num_rows for number in range(self._metadata.num_row_groups)]
        self._starts = np.cumsum([0, *groups])
        self._index = self._checked(self._open_index) if name.rows is not None else None

    def __len__(self) -> int:
        return int(self._starts[-1])

    def rows(self, wanted: Digests) -> NDArray[np.int64]:
        """Return the row of each key, -1 for one that is not here; quickest if they are sorted."""
        if self._index is None:
            keys = self.keys()
            order = sort(keys)
            everything = np.array([0, len(keys)])
            self._index = Index(everything, keys[order[:1], 0], lambda _: (keys[order], order.astype(np.int32)))
        index = self._index
        return self._checked(lambda: index.rows(wanted))

    def keys(self) -> Digests:
        """Return the keys of all rows."""
        column = self._read(range(len(self._starts) - 1), ["sha256"])["sha256"]
        return self._checked(lambda: from_arrow(column))

    def values(self, rows: NDArray[np.int64]) -> Iterator[tuple[slice, pa.Array]]:
        """Yield blocks of the values of some rows (sorted, each once), and which of the rows these are."""
        groups = np.searchsorted(self._starts, rows, "right") - 1
        needed = np.unique(groups)
        for at in range(0, len(needed), BLOCK):
            some = needed[at : at + BLOCK]
            here = slice(*np.searchsorted(groups, [some[0], some[-1] + 1]).tolist())
            lengths = np.diff(self._starts)[some]
            offsets = np.cumsum([0, *lengths])[np.searchsorted(some, groups[here])]
            place = pa.array(rows[here] - self._starts[groups[here]] + offsets)
            yield here, self._take(place, self._read(some.tolist(), [self._value])[self._value])

    def _take(self, place: pa.Array, column: pa.ChunkedArray) -> pa.Array:
        if pa.types.is_binary(column.type):  # may hold more than 2 GiB in all
            column = column.cast(pa.large_binary())
        values = column.combine_chunks()
        return _unpacked(values if len(place) == len(values) else values.take(place), self._value)

    def _open_index(self) -> Index:
        groups = range(self._metadata.num_row_groups)
        leaves = self._leaves(["index_sha256"])
        least = [self._metadata.row_group(group).column(leaf).statistics for group in groups for leaf in leaves]
        if not leaves or any(one is None or not one.has_min_max or not isinstance(one.min, bytes) for one in least):
            raise DamagedError("it has no index")
        fences = np.frombuffer(b"".join(one.min[:8] for one in least), ">u8").astype(np.uint64)
        return Index(self._starts, fences, self._load_index)

    def _load_index(self, groups: list[int]) -> tuple[Digests, NDArray[np.int32]]:
        table = self._read(groups, ["index_sha256", "index_row"])
        return from_arrow(table["index_sha256"]), table["index_row"].to_numpy()

    def _read(self, groups: Sequence[int], columns: list[str]) -> pa.Table:
        """Read columns of some groups, and check their types."""

        def parse(file: pq.ParquetFile) -> pa.Table:
            if missing := [column for column in columns if column not in file.schema_arrow.names]:
                raise DamagedError(f"it has no column {missing[0]}")
            table = file.read_row_groups(list(groups), columns=columns, use_threads=False)
            for column in columns:
                values = table[column]
                if not self._kinds[column](values.type) or values.null_count:
                    raise DamagedError(f"its column {column} holds {values.type}, {values.null_count} of them missing")
            return table

        leaves = self._leaves(columns)
        return self._ask([self._range(group, leaf) for group in groups for leaf in leaves], parse)

    def _leaves(self, columns: Sequence[str]) -> list[int]:
        """Return the numbers of the Parquet columns of these Arrow columns."""
        names = [self._metadata.schema.column(i).path.split(".")[0] for i in range(self._metadata.num_columns)]
        return [number for number, name in enumerate(names) if name in columns]

    def _range(self, group: int, leaf: int) -> Range:
        column = self._metadata.row_group(group).column(leaf)
        start = column.dictionary_page_offset or column.data_page_offset
        return start, start + column.total_compressed_size

    def _ask(self, ranges: Sequence[Range], parse: Callable[[pq.ParquetFile], Answer]) -> Answer:
        try:
            return parse(self._opened(self._parts.open(self.name.name, self._size, ranges)))
        except (OSError, ValueError, DamagedError):  # ValueError: pyarrow.ArrowInvalid, names that are no UTF-8
            content = self._content()  # read again as a whole: only content that arrived can be called damaged
        try:
            return parse(self._opened(io.BytesIO(content)))
        except MemoryError:
            raise
        except (OSError, ValueError, DamagedError) as error:
            self._set_aside(error)
            raise PartGoneError from error

    def _checked(self, convert: Callable[[], Answer]) -> Answer:
        try:
            return convert()
        except DamagedError as error:
            self._set_aside(error)
            raise PartGoneError from error

    def _opened(self, source: Any) -> pq.ParquetFile:
        try:
            return pq.ParquetFile(source, metadata=getattr(self, "_metadata", None), page_checksum_verification=True)
        except pa.ArrowNotImplementedError as error:
            where = self._parts.where(self.name.name)
            raise StoreError(f"a stored part cannot be read by this version of pyarrow: {where}: {error}.") from error

    def _content(self) -> bytes:
        try:
            return self._parts.read_bytes(self.name.name)
        except FileNotFoundError as error:
            raise PartGoneError from error
        except OSError as error:
            raise StoreError(
                f"the stored part {self._parts.where(self.name.name)} cannot be read at the moment: {explain(error)}. "
                "Nothing is lost: run again when it can."
            ) from error

    def _set_aside(self, damage: Exception) -> None:
        where = self._parts.where(self.name.name)
        try:
            kept = self._parts.set_aside(self.name.name)
        except OSError as error:
            raise StoreError(
                f"the stored part {where} is damaged ({damage}) and cannot be renamed: {explain(error)}. "
                "Delete this one file: what it held is computed again."
            ) from error
        warnings.warn(
            f"the stored part {where} is damaged ({damage}). It is kept as {kept}; what it held is computed again.",
            stacklevel=2,
        )


def _unpacked(values: pa.Array, value: str) -> pa.Array:
    """Return vectors as lists of float32; other values as they are."""
    if value == "feature" and pa.types.is_fixed_size_binary(values.type):
        width = values.type.byte_width
        data = np.frombuffer(values.buffers()[1], np.uint8)[width * values.offset :][: width * len(values)]
        return arrow.fixed_size_list(data.view("<f4").reshape(len(values), width // 4))
    if pa.types.is_fixed_size_list(values.type):  # Parquet names its items "element"
        return values.cast(pa.list_(pa.float32(), values.type.list_size))
    return values
