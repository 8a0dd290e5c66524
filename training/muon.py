"""Muon: momentum whose update is made orthogonal (Jordan et al. 2024)."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from training.precision import fast_bfloat16

MOMENTUM = 0.95
STEPS = 5
_A, _B, _C = 3.4445, -4.775, 2.0315  # the quintic of Jordan et al.: singular values to about 1 in five steps


def orthogonalize(matrix: torch.Tensor) -> torch.Tensor:
    """The nearest matrix with singular values of about 1, by Newton-Schulz in bfloat16 where that is fast.

    Every step multiplies by a polynomial of ``x @ x.T``, so the steps are taken on that small square
    matrix, and the wide one is multiplied once at the end.
    """
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    if fast_bfloat16(matrix.device):
        x = x.bfloat16()
    x = x / (x.norm() + 1e-7)
    gram = x @ x.T
    product = identity = torch.eye(len(gram), dtype=gram.dtype, device=gram.device)
    for _ in range(STEPS):
        step = _A * identity + _B * gram + _C * gram @ gram
        product = step @ product
        gram = step @ gram @ step
    x = product @ x
    return torch.as_tensor(x.T if tall else x).float()


class Muon(torch.optim.Optimizer):
    """For weights of convolutions, each as a matrix (outputs, inputs * 9); the rest belongs to AdamW."""

    def __init__(self, weights: Iterable[torch.nn.Parameter], lr: float) -> None:
        super().__init__(weights, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update every weight by its gradient."""
        for group in self.param_groups:
            for weight in group["params"]:
                momentum = self.state[weight].setdefault("momentum", torch.zeros_like(weight))
                momentum.lerp_(weight.grad, 1 - MOMENTUM)
                update = orthogonalize(weight.grad.lerp(momentum, MOMENTUM).flatten(1))
                reach = 0.2 * max(update.shape) ** 0.5  # the size of an update of AdamW (Liu et al. 2025)
                weight.add_(update.view_as(weight), alpha=-group["lr"] * reach)
