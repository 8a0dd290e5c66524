"""Compressed constants (quantised, palettised, sparse), unpacked once, when a package is loaded."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from imgsim.coreml.runtime.dtypes import unpack_bits
from imgsim.coreml.runtime.operations.registry import Call, operation


@operation("constexpr_affine_dequantize")
def affine_dequantize(call: Call) -> NDArray[np.float32]:
    """Dequantise as ``scale (data - zero_point)``, with one scale or one per index of ``axis``."""
    data = call.array("quantized_data")
    axis = int(call.number("axis")) % data.ndim
    along = [1] * data.ndim
    along[axis] = -1
    scale, zero = (call.array(name).astype(np.float32) for name in ("scale", "zero_point"))
    if any(vector.size not in (1, data.shape[axis]) for vector in (scale, zero)):
        raise call.damaged(f"{scale.size} scales and {zero.size} zero points for {data.shape[axis]} rows")
    values: NDArray[np.float32] = (data.astype(np.float32) - zero.reshape(along)) * scale.reshape(along)
    return values


@operation("constexpr_blockwise_shift_scale")
def blockwise_shift_scale(call: Call) -> NDArray[np.float32]:
    """Dequantise as ``scale (data - offset)``, with one scale per block of equal size."""
    data, scale = call.array("data").astype(np.float32), call.array("scale").astype(np.float32)
    if call.has("offset"):
        data = data - _blocks(call, call.array("offset").astype(np.float32), data.shape)
    values: NDArray[np.float32] = data * _blocks(call, scale, data.shape)
    return values


@operation("constexpr_lut_to_dense")
def lut_to_dense(call: Call) -> NDArray[np.generic]:
    """Look up values in a palette by index: one table (iOS 16), or one per block (iOS 18)."""
    if call.has("shape"):
        return _packed_lut(call)
    indices, tables = call.array("indices"), call.array("lut")
    if tables.ndim != indices.ndim + 2:
        raise call.damaged(f"a table of {tables.ndim} dimensions for indices of {indices.ndim}")
    where = []
    for axis, size in enumerate(indices.shape):
        if size % tables.shape[axis]:
            raise call.damaged(f"{tables.shape[axis]} tables for {size} values")
        table = np.arange(size) // (size // tables.shape[axis])
        where.append(table.reshape([-1 if i == axis else 1 for i in range(indices.ndim)]))
    vectors: NDArray[np.generic] = tables[(*where, indices.astype(np.int64))]
    width = vectors.shape[-1]
    if width == 1 and not call.has("vector_axis"):
        return vectors.reshape(indices.shape)
    axis = int(call.number("vector_axis")) % indices.ndim
    shape = [size * width if i == axis else size for i, size in enumerate(indices.shape)]
    return np.moveaxis(vectors, -1, axis + 1).reshape(shape)


def _packed_lut(call: Call) -> NDArray[np.generic]:
    table = call.array("lut").reshape(-1)
    shape = [int(size) for size in call.array("shape").reshape(-1)]
    bits = int(math.log2(table.size))
    indices = unpack_bits(call.array("indices").astype(np.uint8), bits, math.prod(shape))
    return table[indices].reshape(shape)


@operation("constexpr_sparse_to_dense")
def sparse_to_dense(call: Call) -> NDArray[np.generic]:
    """Expand sparse data: the given values where the mask is set, 0 elsewhere."""
    values, mask = call.array("nonzero_data"), call.array("mask")
    if call.has("shape"):
        shape = [int(size) for size in call.array("shape").reshape(-1)]
        mask = unpack_bits(mask.astype(np.uint8), 1, math.prod(shape)).reshape(shape)
    if np.count_nonzero(mask) != values.size:
        raise call.damaged(f"{values.size} values for {np.count_nonzero(mask)} places")
    dense = np.zeros(mask.shape, values.dtype)
    dense[mask != 0] = values.reshape(-1)
    return dense


@operation("constexpr_cast")
def constant_cast(call: Call) -> NDArray[np.generic]:
    """Convert half precision to single."""
    call.text("output_dtype", "fp32")
    return call.array("source_val").astype(np.float32)


def _blocks(call: Call, small: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Repeat each value of ``small`` over its block, to ``shape``."""
    if small.ndim != len(shape) or any(size % part for size, part in zip(shape, small.shape, strict=True)):
        raise call.damaged(f"blocks of {small.shape} do not divide {shape}")
    for axis, size in enumerate(shape):
        if small.shape[axis] not in (1, size):
            small = np.repeat(small, size // small.shape[axis], axis)
    return small
