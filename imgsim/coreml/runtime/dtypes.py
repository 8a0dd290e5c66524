"""Element types of Core ML: their codes in a program and in a weight file, and arrays from bytes."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

DTYPES = {
    1: "bool",
    2: "string",
    10: "fp16",
    11: "fp32",
    21: "int8",
    22: "int16",
    23: "int32",
    24: "int64",
    25: "int4",
    31: "uint8",
    32: "uint16",
    33: "uint32",
    34: "uint64",
    35: "uint4",
    36: "uint2",
    37: "uint1",
    38: "uint6",
    39: "uint3",
}
UNREAD_DTYPES = {12: "fp64", 13: "bf16", 40: "fp8 (e4m3fn)", 41: "fp8 (e5m2)"}
BLOB_DTYPES = {
    1: "fp16",
    2: "fp32",
    3: "uint8",
    4: "int8",
    6: "int16",
    7: "uint16",
    8: "int4",
    9: "uint1",
    10: "uint2",
    11: "uint4",
    12: "uint3",
    13: "uint6",
    14: "int32",
    15: "uint32",
}
_NUMPY = {"fp16": "<f2", "fp32": "<f4"} | {
    f"{sign}int{bits}": f"<{kind}{bits // 8}" for sign, kind in (("", "i"), ("u", "u")) for bits in (8, 16, 32, 64)
}


def is_float(dtype: str) -> bool:
    """Tell if a type is a floating-point type."""
    return dtype in ("fp16", "fp32")


def bits_of(dtype: str) -> int:
    """Return the bits of one value: 4 for ``"int4"``, 16 for ``"fp16"``."""
    return int(dtype.lstrip("uintfp"))


def is_signed(dtype: str) -> bool:
    """Tell if an integer type has negative values."""
    return not dtype.startswith("u")


def from_bytes(data: bytes, dtype: str, shape: tuple[int, ...]) -> NDArray[np.generic]:
    """Decode bytes to a new array of ``shape``; types of less than 8 bits are unpacked, lowest bit first, to 8 bits.

    Raises
    ------
    ValueError
        ``data`` does not have the size that type and shape need.
    """
    count = math.prod(shape)
    bits = bits_of(dtype)
    needed = -(-count * bits // 8)
    if len(data) != needed:
        raise ValueError(f"{len(data)} bytes where {dtype} {shape} takes {needed}")
    if dtype in _NUMPY:
        array: NDArray[np.generic] = np.frombuffer(data, _NUMPY[dtype]).reshape(shape).copy()
        return array
    values = unpack_bits(np.frombuffer(data, np.uint8), bits, count)
    return (_signed(values, bits) if is_signed(dtype) else values).reshape(shape)


def unpack_bits(packed: NDArray[np.uint8], bits: int, count: int) -> NDArray[np.uint8]:
    """Unpack bytes to (count,) uint8 numbers of ``bits`` bits each, packed without gaps from the lowest bit up."""
    ones = np.unpackbits(packed, count=count * bits, bitorder="little").reshape(count, bits)
    values: NDArray[np.uint8] = (ones << np.arange(bits, dtype=np.uint8)).sum(axis=1, dtype=np.uint8)
    return values


def _signed(values: NDArray[np.uint8], bits: int) -> NDArray[np.int8]:
    sign = 1 << (bits - 1)
    return ((values.astype(np.int16) ^ sign) - sign).astype(np.int8)
