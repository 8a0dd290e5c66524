"""Reading of files that may come from strangers: what a few bytes declare never takes more memory than they may.

A table may unpack to 64 times the size of its file and 256 MiB besides, a JSON file may have 64 MiB; beyond that it
is refused before it is unpacked.
"""

import json
import struct
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

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


def read_parquet(path: Path) -> pa.Table:
    """Read a whole Parquet file; the checksums of its pages are verified.

    Raises
    ------
    OSError, pyarrow.ArrowException
        It is missing, damaged, or would unpack to more than it may.
    """
    limit = EXPANSION * path.stat().st_size + FLOOR
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        types = file.schema_arrow
        declared = sum(file.metadata.row_group(i).total_byte_size for i in range(file.metadata.num_row_groups))
        _refuse_above(limit, max(declared, file.metadata.num_rows * len(types)))
        names = [field.name for field in types if pa.types.is_string(field.type) or pa.types.is_binary(field.type)]
    with pq.ParquetFile(path, page_checksum_verification=True, read_dictionary=names) as file:
        packed = file.read()  # texts as positions in a dictionary: a long one that is repeated takes no space
    _refuse_above(limit, packed.nbytes + sum(_text_bytes(packed.column(name)) for name in names))
    return packed.cast(types)


def _text_bytes(column: pa.ChunkedArray) -> int:
    """Count the bytes that dictionary-encoded texts take when each row holds its own."""
    if not pa.types.is_dictionary(column.type):
        return int(column.nbytes)
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
