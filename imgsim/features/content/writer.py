"""Writing of a part: keys and values in the order given, and beside them the index, in groups of few rows.

    sha256        32 bytes   key of the row
    <value>                  feature, thumbnail, reason or traits of the row
    index_sha256  32 bytes   keys of the part, sorted
    index_row     int32      row of this key

Statistics of ``index_sha256`` tell which groups may hold a key, so that a look-up reads a few kilobytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from imgsim.features.content.index import Digests, sort, to_arrow

GROUP = 64
"""Rows that are read together."""


def write_part(path: Path, keys: Digests, value: str, values: Iterable[pa.Array]) -> None:
    """Write a part.

    Parameters
    ----------
    keys : (n, 4) uint64
    value : str
        Name of the column of values.
    values : iterable of pyarrow.Array
        n values in blocks; matrices as fixed-size lists of float32.
    """
    order = sort(keys)
    columns = {"sha256": to_arrow(keys)}
    index = {"index_sha256": to_arrow(keys[order]), "index_row": pa.array(order.astype(np.int32))}
    writer, start = None, 0
    try:
        for block in _regrouped(values):
            rows = {name: column[start : start + len(block)] for name, column in columns.items()}
            beside = {name: column[start : start + len(block)] for name, column in index.items()}
            table = pa.table(rows | {value: _packed(block)} | beside)
            if writer is None:  # no compression: JPEGs and floats hardly shrink, and it takes 0.1 ms an image
                writer = pq.ParquetWriter(
                    path,
                    table.schema,
                    compression="none",
                    use_dictionary=False,
                    write_statistics=["index_sha256"],
                    write_page_checksum=True,
                )
            writer.write_table(table)
            start += len(block)
    finally:
        if writer is not None:
            writer.close()
    if start != len(keys):
        raise ValueError(f"{len(keys)} keys, but {start} values")


def _regrouped(values: Iterable[pa.Array]) -> Iterator[pa.Array]:
    """Yield the values in blocks of `GROUP`, the last one shorter."""
    waiting: list[pa.Array] = []
    for block in values:
        waiting.append(block)
        if sum(map(len, waiting)) >= GROUP:
            joined = pa.concat_arrays(waiting)
            whole = len(joined) // GROUP * GROUP
            for start in range(0, whole, GROUP):
                yield joined[start : start + GROUP]
            waiting = [joined[whole:]]
    if sum(map(len, waiting)):
        yield pa.concat_arrays(waiting)


def _packed(values: pa.Array) -> pa.Array:
    """Convert vectors to bytes, which Parquet reads ten times as fast as lists; other values stay."""
    if pa.types.is_large_binary(values.type):
        return values.cast(pa.binary())
    if not pa.types.is_fixed_size_list(values.type):
        return values
    width = 4 * values.type.list_size
    data = pa.py_buffer(np.ascontiguousarray(values.flatten().to_numpy()).astype("<f4", copy=False))
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), len(values), [None, data])
