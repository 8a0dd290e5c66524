"""Reading of files that may come from strangers: what a few bytes declare never takes more memory than they may.

A table may unpack to 64 times the size of its file and 256 MiB besides, a JSON file may have 64 MiB; beyond that it
is refused before it is unpacked.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from imgsim.io.held_file import HeldFile

MAX_JSON = 64 * 2**20
EXPANSION, FLOOR = 64, 256 * 2**20


def read_json(path: Path) -> Any:
    """Parse a JSON file.

    Raises
    ------
    OSError, ValueError
        It cannot be read, is no JSON, is larger than 64 MiB or nested too deeply.
    """
    size = path.stat().st_size
    if size > MAX_JSON:
        raise ValueError(f"it has {size / 2**20:,.0f} MiB; the limit is {MAX_JSON // 2**20}")
    try:
        return json.loads(path.read_bytes())
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def read_parquet(source: Path | HeldFile) -> pa.Table:
    """Read a whole Parquet file; errors as `BoundedParquet`."""
    return BoundedParquet(source).read()


class BoundedParquet:
    """A Parquet file that is read within bounds; the checksums of its pages are verified.

    Parameters
    ----------
    source : Path or HeldFile

    Attributes
    ----------
    schema : pyarrow.Schema
    group_rows : list of int
        Rows of each row group.

    Raises
    ------
    OSError, pyarrow.ArrowException
        It is missing, damaged, or would unpack to more than it may.
    """

    def __init__(self, source: Path | HeldFile) -> None:
        self._source = source
        self._limit = unpacked_limit(source.size if isinstance(source, HeldFile) else source.stat().st_size)
        self._metadata = None
        with self._open() as file:
            self._metadata, self.schema = file.metadata, file.schema_arrow
        groups = [self._metadata.row_group(i) for i in range(self._metadata.num_row_groups)]
        self.group_rows = [group.num_rows for group in groups]
        declared = sum(group.total_byte_size for group in groups)
        _refuse_above(self._limit, max(declared, self._metadata.num_rows * len(self.schema)))

    def read(self, groups: Sequence[int] | None = None, columns: Sequence[str] | None = None) -> pa.Table:
        """Read some row groups and columns; all by default. Errors as the class."""
        texts = [item.name for item in self.schema if pa.types.is_string(item.type) or pa.types.is_binary(item.type)]
        chosen = range(len(self.group_rows)) if groups is None else groups
        with self._open(texts) as file:  # texts as positions in a dictionary: a long one repeated takes no space
            packed = file.read_row_groups(chosen, columns)
        _refuse_above(self._limit, packed.nbytes + sum(map(_text_bytes, packed.columns)))
        types = [self.schema.field(name) for name in packed.column_names]
        return packed.cast(pa.schema(types, self.schema.metadata))

    def _open(self, dictionaries: Sequence[str] = ()) -> pq.ParquetFile:
        source = self._source.open() if isinstance(self._source, HeldFile) else self._source
        return pq.ParquetFile(
            source, metadata=self._metadata, read_dictionary=list(dictionaries), page_checksum_verification=True
        )


def unpacked_limit(size: int) -> int:
    """Return how many bytes a table in a file of ``size`` bytes may take when it is read."""
    return EXPANSION * size + FLOOR


def _text_bytes(column: pa.ChunkedArray) -> int:
    """Count the bytes that dictionary-encoded texts take when each row holds its own; 0 for other columns."""
    if not pa.types.is_dictionary(column.type):
        return 0
    lengths = [pc.binary_length(chunk.dictionary).take(chunk.indices) for chunk in column.chunks]
    return sum(pc.sum(pc.cast(length, pa.int64())).as_py() or 0 for length in lengths)


def _refuse_above(limit: int, size: int) -> None:
    if size > limit:
        raise pa.ArrowInvalid(f"it would unpack to {size / 2**20:,.0f} MiB, too much for a file of its size")


def map_arrow(path: Path) -> pa.Table:
    """Memory-map an uncompressed Arrow file; nothing is copied, and no offset leads out of the file.

    Raises
    ------
    OSError, pyarrow.ArrowException
        It is missing, damaged or compressed.
    """
    source = pa.memory_map(str(path))
    if source.read(8) != b"ARROW1\0\0":
        raise pa.ArrowInvalid("it is no Arrow file")
    if (first := _next_message(source, "schema")) is None:
        raise pa.ArrowInvalid("it ends before its schema")
    types = pa.ipc.read_schema(first)
    batches = []
    while (message := _next_message(source, "record batch")) is not None:
        if _is_compressed(message.metadata.to_pybytes()):
            raise pa.ArrowInvalid("it is compressed, which imgsim never does")
        batch = pa.ipc.read_record_batch(message, types)
        batch.validate(full=True)
        batches.append(batch)
    return pa.Table.from_batches(batches, types)


def _next_message(source: Any, kind: str) -> Any:
    """Read the next message, which must be of this kind; None at the end."""
    try:
        message = pa.ipc.read_message(source)
    except EOFError:
        return None
    if message is not None and message.type != kind:
        raise pa.ArrowInvalid(f"it holds a {message.type} where imgsim writes a {kind}")
    return message


def _is_compressed(metadata: bytes) -> bool:
    """Tell if the flatbuffer ``Message`` of a record batch has its field ``compression`` (File format of Arrow)."""
    try:
        message = struct.unpack_from("<I", metadata)[0]
        header = _field(metadata, message, 2)
        batch = header + struct.unpack_from("<I", metadata, header)[0]
        return _field(metadata, batch, 3) > 0
    except struct.error as error:
        raise pa.ArrowInvalid("its metadata is damaged") from error


def _field(metadata: bytes, table: int, number: int) -> int:
    """Find the position of a field of a flatbuffer table, 0 when it is absent."""
    vtable = table - struct.unpack_from("<i", metadata, table)[0]
    (size,) = struct.unpack_from("<H", metadata, vtable)
    at = 4 + 2 * number
    offset = struct.unpack_from("<H", metadata, vtable + at)[0] if at + 2 <= size else 0
    return table + offset if offset else 0
