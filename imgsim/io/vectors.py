"""(n, d) float32 vectors on disk, memory-mapped: Arrow files as models hold them, and NumPy's ``.npy``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from imgsim import schema
from imgsim.errors import ArgumentError, ArgumentTypeError, ModelFormatError
from imgsim.io import arrow
from imgsim.io.atomic import atomic_path
from imgsim.io.home import home
from imgsim.io.untrusted import map_arrow

Matrix = NDArray[np.float32]
Rows = NDArray[np.int64]
BLOCK_ROWS = 16_384
MAX_LENGTH = 2.0**60
"""Of a vector: the square of a distance must fit into 32 bits."""


def as_vectors(values: Any, name: str) -> Matrix:
    """Return values as an array (n, d) of float32, with d at least 1.

    Raises
    ------
    ArgumentTypeError, ArgumentError
        No numbers in two dimensions, nothing, NaN or infinity, or rows so long that squared distances exceed 32 bits.
    """
    if np.ma.is_masked(values):
        raise ArgumentError(f"{name} must be finite: the masked array leaves out values.")
    try:
        matrix = np.asarray(values)
    except Exception as error:
        raise ArgumentTypeError(f"{name} must be a numeric array (n, d): {error}") from error
    if matrix.ndim != 2 or matrix.dtype.kind not in "fiu":
        raise ArgumentTypeError(f"{name} must be a numeric array (n, d), not {matrix.dtype} of shape {matrix.shape}.")
    if 0 in matrix.shape:
        raise ArgumentError(f"{name} of shape {matrix.shape} hold nothing to search.")
    with np.errstate(over="ignore"):
        matrix = np.ascontiguousarray(matrix, np.float32)
    refuse_values(matrix, name)
    return matrix


def refuse_values(matrix: Matrix, name: str) -> None:
    """Refuse vectors (n, d) that have no distances in 32 bits.

    Raises
    ------
    ArgumentError
        NaN, infinity, or a length above 2^60: the square of a distance would be infinite.
    """
    largest = max(float(matrix.max(initial=0)), -float(matrix.min(initial=0)))
    if largest * matrix.shape[1] ** 0.5 <= MAX_LENGTH:
        return
    finite = np.isfinite(matrix).all(axis=1)
    if not finite.all():
        raise ArgumentError(f"{name} must be finite: row {int((~finite).argmax())} holds NaN or infinity.")
    raise ArgumentError(
        f"{name} hold values of up to {largest:.3g}, too large for distances of 32 bits: scale them down."
    )


def write_embeddings(matrix: Matrix, path: Path) -> None:
    """Write (n, d) float32 as an uncompressed Arrow file of fixed-size lists, made for memory-mapping."""
    target = schema.embeddings(matrix.shape[1])
    table = pa.table([arrow.fixed_size_list(matrix)], schema=target)
    with (
        atomic_path(path) as temporary,
        pa.OSFile(str(temporary), "wb") as sink,
        pa.ipc.new_file(sink, target) as writer,
    ):
        writer.write_table(table)


def read_embeddings(path: Path) -> Matrix:
    """Map a file as a read-only (n, d) float32 array: nothing is copied.

    Raises
    ------
    ModelFormatError
        The file is missing, damaged or holds something else.
    """
    try:
        column = map_arrow(path).column("embedding")
    except (OSError, KeyError, pa.ArrowException) as error:
        raise ModelFormatError(f"the embeddings {path} cannot be read: {error}") from error
    if not arrow.is_matrix(column, pa.float32()):
        raise ModelFormatError(f"the embeddings {path} are no vectors of 32-bit floats; export the model again.")
    return arrow.matrix(column)


def write_npy(matrix: Matrix, path: Path) -> None:
    """Write (n, d) float32 as ``.npy``, block by block: a memory-mapped source is never held whole."""
    with atomic_path(path) as temporary:
        target = np.lib.format.open_memmap(temporary, "w+", np.float32, matrix.shape)
        for start in range(0, len(matrix), BLOCK_ROWS):
            target[start : start + BLOCK_ROWS] = matrix[start : start + BLOCK_ROWS]
        target.flush()


def spooled(blocks: Iterable[Matrix], columns: int) -> Matrix:
    """Write blocks of rows to a file without a name, and map it as a read-only (n, columns) float32 array.

    The file lies in `imgsim.io.home.home` and is gone with the array.
    """
    folder = home()
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryFile(dir=folder) as file:
        for block in blocks:
            file.write(np.ascontiguousarray(block, np.float32).data)
        rows = file.tell() // (4 * columns)
        file.flush()
        return np.asarray(np.memmap(file, np.float32, "r", shape=(rows, columns)))


def open_vectors(path: Path) -> Matrix:
    """Map an ``.arrow`` (see `write_embeddings`) or ``.npy`` file as a read-only (n, d) float32 array.

    Raises
    ------
    ArgumentError
        Another suffix.
    ModelFormatError
        The file is missing, damaged or holds something else.
    """
    if path.suffix == ".arrow":
        return read_embeddings(path)
    if path.suffix != ".npy":
        raise ArgumentError(f"vectors are read from .arrow and .npy files, not from {path}.")
    try:
        matrix = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise ModelFormatError(f"the vectors {path} cannot be read: {error}") from error
    if matrix.ndim != 2 or matrix.dtype != np.float32 or not matrix.flags.c_contiguous:
        raise ModelFormatError(
            f"{path} holds {matrix.dtype} of shape {matrix.shape}; vectors are float32 (n, d), rows one after another."
        )
    return np.asarray(matrix)
