"""Sums rounded to float16 after every addition: the worst rounding of an accelerator in a float16 program."""

from __future__ import annotations

import torch
from torch import Tensor


def product16(a: Tensor, b: Tensor) -> Tensor:
    """Compute ``a @ b`` of (..., m, k) and (..., k, n), each product and partial sum rounded to float16."""
    left, right = a.half(), b.half()
    columns = left.movedim(-1, 0).unsqueeze(-1)
    rows = right.movedim(-2, 0).unsqueeze(-2)
    total = torch.zeros_like(columns[0] * rows[0])
    for column, row in zip(columns, rows, strict=True):
        total += column * row
    return total.float()


def sum16(x: Tensor, axes: list[int], keep: bool) -> Tensor:
    """Sum over ``axes`` in storage order, each partial sum rounded to float16."""
    rest = [axis for axis in range(x.dim()) if axis not in axes]
    terms = x.half().permute(*axes, *rest).reshape(-1, *(x.shape[axis] for axis in rest))
    total = torch.zeros(terms.shape[1:], dtype=torch.float16)
    for term in terms:
        total += term
    shape = [1 if axis in axes else x.shape[axis] for axis in range(x.dim())]
    return total.float().reshape(shape) if keep else total.float()
