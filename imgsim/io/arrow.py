"""numpy matrices as Arrow fixed-size lists, and back, without copying."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from imgsim.errors import ModelFormatError
from imgsim.io import untrusted
from imgsim.io.atomic import atomic_path
from imgsim.io.held_file import HeldFile


def fixed_size_list(matrix: NDArray[Any]) -> pa.FixedSizeListArray:
    """Convert an (n, d) array to an Arrow array of n lists of d values."""
    flat = pa.array(np.ascontiguousarray(matrix).reshape(-1))
    return pa.FixedSizeListArray.from_arrays(flat, matrix.shape[1])


def is_matrix(column: pa.ChunkedArray, values: pa.DataType) -> bool:
    """Tell if a column holds fixed-size lists of such values, none of them missing."""
    kind = column.type
    if not pa.types.is_fixed_size_list(kind) or kind.value_type != values or kind.list_size < 1 or column.null_count:
        return False
    return not any(chunk.flatten().null_count for chunk in column.chunks)


def matrix(column: pa.ChunkedArray) -> NDArray[Any]:
    """Convert a column of n fixed-size lists of d values to a read-only (n, d) array; one chunk is not copied."""
    width = column.type.list_size
    chunks: list[NDArray[Any]] = [
        chunk.flatten().to_numpy(zero_copy_only=True).reshape(-1, width) for chunk in column.chunks
    ]
    if len(chunks) == 1:
        return chunks[0]
    dtype = column.type.value_type.to_pandas_dtype()
    joined = np.concatenate(chunks) if chunks else np.empty((0, width), dtype)
    joined.setflags(write=False)
    return joined


def write_parquet(table: pa.Table, path: Path, compression: str = "zstd") -> None:
    """Write atomically, with a checksum for each page.

    A table that packs so well that `read_parquet` would take it for a trap is written unpacked.
    """
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary, compression=compression, write_page_checksum=True)
        if 2 * table.nbytes > untrusted.unpacked_limit(temporary.stat().st_size):
            pq.write_table(table, temporary, compression="none", use_dictionary=False, write_page_checksum=True)


def read_parquet(source: Path | HeldFile, expected: pa.Schema | None = None) -> pa.Table:
    """Read a whole file; with ``expected``, refuse other columns or types.

    Raises
    ------
    ModelFormatError
        The file is missing, damaged, has another schema, or would unpack to more than it may (`imgsim.io.untrusted`).
    """
    with name_damage(source):
        file = untrusted.BoundedParquet(source)
        refuse_other_columns(file.schema, expected, source)
        return file.read()


@contextmanager
def name_damage(source: Path | HeldFile) -> Iterator[None]:
    """Raise errors of a Parquet file as ModelFormatError with its path."""
    try:
        yield
    except (OSError, ValueError, pa.ArrowException) as error:  # ValueError: a name that is not UTF-8
        raise ModelFormatError(f"{_path(source)} cannot be read as Parquet: {error}") from error


def refuse_other_columns(found: pa.Schema, expected: pa.Schema | None, source: Path | HeldFile) -> None:
    """Raise ModelFormatError unless columns and types are those expected; None expects any."""
    if expected is not None and not found.equals(expected, check_metadata=False):
        raise ModelFormatError(
            f"{_path(source)} holds columns {found.names}, expected {expected.names} with imgsim's types."
        )


def _path(source: Path | HeldFile) -> Path:
    return source.path if isinstance(source, HeldFile) else source
