"""Selecting operations: top-k, sorting, gathering by index, the class of a classifier."""

from __future__ import annotations

import torch
from torch import Tensor

from imgsim.coreml.runtime.operations.registry import Call, operation


@operation("topk")
def topk(call: Call) -> tuple[Tensor, ...]:
    """Return the ``k`` largest (``ascending``: smallest) values along ``axis``, sorted, and their positions.

    Of equal values the first comes first. Without ``sort`` the order is not defined, so that is refused.
    """
    call.require("sort", True, True)
    x = call.tensor("x")
    axis, k = call.number("axis", -1), call.number("k", 1)
    values, indices = torch.sort(x, dim=axis, descending=not call.number("ascending", False), stable=True)
    best = (values.narrow(axis, 0, k), indices.narrow(axis, 0, k))
    if call.has("output_indices_dtype"):
        call.text("output_indices_dtype", call.outputs[-1].dtype)
    return best if call.number("return_indices", True) else best[:1]


@operation("argsort")
def argsort(call: Call) -> Tensor:
    """Return the positions that sort the values along ``axis``; of equal ones the first comes first."""
    descending = not call.number("ascending", False)
    return torch.argsort(call.tensor("x"), dim=call.number("axis", -1), descending=descending, stable=True)


@operation("gather")
def gather(call: Call) -> Tensor:
    """Gather slices along ``axis`` by ``indices``, whose dimensions replace ``axis``."""
    call.require("batch_dims", 0, 0)
    x = call.tensor("x")
    axis = call.number("axis", 0) % x.dim()
    indices = _indices(call, x.shape[axis])
    rows = x.index_select(axis, indices.reshape(-1))
    return rows.reshape(*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])


@operation("gather_along_axis")
def gather_along_axis(call: Call) -> Tensor:
    """Gather for each element of ``indices`` the value of ``x`` at that index along ``axis``."""
    x = call.tensor("x")
    axis = call.number("axis", 0) % x.dim()
    return torch.take_along_dim(x, _indices(call, x.shape[axis]), axis)


def _indices(call: Call, size: int) -> Tensor:
    """Read indices; negative ones count from the end, and out of range (undefined on a device) is refused."""
    call.number("validate_indices", False)
    indices = call.tensor("indices")
    if indices.numel() and not (-size <= int(indices.min()) and int(indices.max()) < size):
        raise call.damaged(f"an index lies outside the {size} values it picks from")
    return torch.where(indices < 0, indices + size, indices)


@operation("classify")
def classify(call: Call) -> tuple[str | int, dict[str | int, float]]:
    """Return the class of the largest probability, and all probabilities by class."""
    classes: list[str] | list[int] = call.value("classes")
    scores = call.tensor("probabilities").reshape(-1)
    if len(classes) != len(scores):
        raise call.damaged(f"it has {len(classes)} classes for {len(scores)} values")
    return classes[int(scores.argmax())], dict(zip(classes, scores.tolist(), strict=True))
