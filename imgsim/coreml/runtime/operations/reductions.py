"""Reductions: sums, means, norms, maxima, minima and their positions."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from imgsim.coreml.runtime.operations.float16_sums import sum16
from imgsim.coreml.runtime.operations.registry import Call, operation

_BEFORE: dict[str, Callable[[Tensor], Tensor]] = {
    "reduce_l1_norm": torch.abs,
    "reduce_l2_norm": torch.square,
    "reduce_mean": lambda x: x,
    "reduce_sum": lambda x: x,
    "reduce_sum_square": torch.square,
}


@operation(*_BEFORE)
def reduce_sum(call: Call) -> Tensor:
    """Compute the sum, mean or norm over ``axes`` (all by default)."""
    x, axes, keep = _reduced(call)
    terms = _BEFORE[call.kind](x)
    total: Tensor = sum16(terms, axes, keep) if call.narrow else torch.sum(terms, axes, keep)
    if call.kind == "reduce_mean":
        total = total * (total.numel() / x.numel())
    return torch.sqrt(total) if call.kind == "reduce_l2_norm" else total


@operation("reduce_max", "reduce_min")
def reduce_extreme(call: Call) -> Tensor:
    """Take the largest or smallest value over ``axes``."""
    x, axes, keep = _reduced(call)
    return (torch.amax if call.kind == "reduce_max" else torch.amin)(x, axes, keep)


@operation("reduce_argmax", "reduce_argmin")
def reduce_argument(call: Call) -> Tensor:
    """Return the position of the largest or smallest value along ``axis``; the first of equal ones."""
    if call.has("output_dtype"):
        call.text("output_dtype", call.outputs[0].dtype)
    axis, keep = call.number("axis", -1), bool(call.number("keep_dims", False))
    return (torch.argmax if call.kind == "reduce_argmax" else torch.argmin)(call.tensor("x"), axis, keep)


def _reduced(call: Call) -> tuple[Tensor, list[int], bool]:
    x = call.tensor("x")
    axes = [axis % x.dim() for axis in call.numbers("axes", list(range(x.dim())))]
    if not axes:
        raise call.unsupported("no axes")
    return x, axes, bool(call.number("keep_dims", False))
