"""Shape operations: reshape, transpose, slice, concatenate, pad, tile."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from imgsim.coreml.runtime.operations.registry import Call, operation


@operation("reshape")
def reshape(call: Call) -> Tensor:
    """Reshape to ``shape``; one -1 is inferred."""
    shape = call.numbers("shape")
    if 0 in shape:
        raise call.unsupported(f"shape = {shape}")
    return call.tensor("x").reshape(shape)


@operation("flatten2d")
def flatten2d(call: Call) -> Tensor:
    """Flatten to two dimensions: those before ``axis`` and those from it on."""
    x = call.tensor("x")
    axis = call.number("axis", 1) % x.dim()
    return x.reshape(int(torch.tensor(x.shape[:axis]).prod()), -1)


@operation("transpose")
def transpose(call: Call) -> Tensor:
    """Permute the dimensions to the order ``perm``."""
    return call.tensor("x").permute(call.numbers("perm"))


@operation("expand_dims")
def expand_dims(call: Call) -> Tensor:
    """Insert dimensions of size 1 at ``axes`` of the result."""
    x = call.tensor("x")
    axes = call.numbers("axes")
    rank = x.dim() + len(axes)
    for axis in sorted(axis % rank for axis in axes):
        x = x.unsqueeze(axis)
    return x


@operation("squeeze")
def squeeze(call: Call) -> Tensor:
    """Remove the dimensions ``axes`` (by default all) of size 1."""
    x = call.tensor("x")
    axes = [axis % x.dim() for axis in call.numbers("axes", [i for i, size in enumerate(x.shape) if size == 1])]
    if any(x.shape[axis] != 1 for axis in axes):
        raise call.damaged(f"it squeezes {axes} of the shape {tuple(x.shape)}")
    return x.reshape([size for axis, size in enumerate(x.shape) if axis not in axes])


@operation("concat")
def concat(call: Call) -> Tensor:
    """Concatenate ``values`` along ``axis``."""
    call.require("interleave", False, False)
    return torch.cat(call.values("values"), call.number("axis"))


@operation("stack")
def stack(call: Call) -> Tensor:
    """Stack ``values`` along a new dimension ``axis``."""
    return torch.stack(call.values("values"), call.number("axis"))


@operation("split")
def split(call: Call) -> tuple[Tensor, ...]:
    """Split along ``axis`` into parts of ``split_sizes``, or ``num_splits`` equal ones."""
    x, axis = call.tensor("x"), call.number("axis")
    count = call.number("num_splits", 0)
    if call.has("split_sizes"):
        return torch.split(x, call.numbers("split_sizes"), axis)
    if not count or x.shape[axis] % count:
        raise call.damaged(f"{x.shape[axis]} values cannot be split in {count}")
    return torch.split(x, x.shape[axis] // count, axis)


@operation("slice_by_index")
def slice_by_index(call: Call) -> Tensor:
    """Slice ``x[begin:end:stride]`` as NumPy does; masks leave an end open, or take one index and drop the axis."""
    x = call.tensor("x")
    begin, end = call.numbers("begin"), call.numbers("end")
    none = [False] * x.dim()
    open_begin, open_end = call.numbers("begin_mask", none), call.numbers("end_mask", none)
    drop, strides = call.numbers("squeeze_mask", none), call.numbers("stride", [1] * x.dim())
    if min(strides, default=1) < 1:
        raise call.unsupported(f"stride = {strides}")
    places: list[int | slice] = [
        begin[i] if drop[i] else slice(None if open_begin[i] else begin[i], None if open_end[i] else end[i], strides[i])
        for i in range(x.dim())
    ]
    return x[tuple(places)]


@operation("slice_by_size")
def slice_by_size(call: Call) -> Tensor:
    """Slice ``size`` values of each dimension from ``begin`` on; -1 takes all that follow."""
    x = call.tensor("x")
    begin, size = call.numbers("begin"), call.numbers("size")
    begin = [b % x.shape[i] for i, b in enumerate(begin)]
    return x[tuple(slice(b, None if s == -1 else b + s) for b, s in zip(begin, size, strict=True))]


@operation("pad")
def pad(call: Call) -> Tensor:
    """Pad the last dimensions before and after with a constant."""
    call.text("mode", "constant")
    amounts = call.numbers("pad")
    pairs = [amounts[i : i + 2] for i in range(0, len(amounts), 2)]
    flat = [amount for pair in reversed(pairs) for amount in pair]
    return functional.pad(call.tensor("x"), flat, value=call.number("constant_val", 0.0))


@operation("tile")
def tile(call: Call) -> Tensor:
    """Repeat ``x`` ``reps`` times along each dimension."""
    return call.tensor("x").repeat(call.numbers("reps"))


@operation("reverse")
def reverse(call: Call) -> Tensor:
    """Reverse the order of values along ``axes`` (by default all)."""
    x = call.tensor("x")
    return x.flip(call.numbers("axes", list(range(x.dim()))))


@operation("shape")
def shape_of(call: Call) -> Tensor:
    """Return the shape of ``x`` as a vector."""
    return torch.tensor(call.tensor("x").shape)


@operation("fill")
def fill(call: Call) -> Tensor:
    """Return a tensor of ``shape`` full of ``value``."""
    value = call.tensor("value")
    return torch.full(call.numbers("shape"), value.item(), dtype=value.dtype)
