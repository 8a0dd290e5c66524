"""(n, d) float32 vectors on disk, memory-mapped: Arrow files as models hold them, and NumPy's ``.npy``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from imgsim import schema
from imgsim.errors import ArgumentError, ModelFormatError
from imgsim.io import arrow
from imgsim.io.atomic import atomic_path
from imgsim.io.untrusted import map_arrow

Matrix = NDArray[np.float32]
Rows = NDArray[np.int64]
BLOCK_ROWS = 16_384


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
