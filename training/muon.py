"""Muon (Jordan et al. 2024) for convolutions.

`torch.optim.Muon` takes matrices only, and computes in bfloat16 on any processor. One without bfloat16 emulates it:
a step of 16 pictures took 5 seconds of an AVX2 processor.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch

from training.precision import fast_bfloat16

MOMENTUM = 0.95
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the polynomial whose repetition brings singular values close to 1 (Jordan et al. 2024)."""
STEPS = 5


class Muon(torch.optim.Optimizer):
    """Optimizer of kernels in channels-last order, each as a matrix (outputs, 9 * inputs) of the same memory.

    The rest of a network belongs to AdamW, whose size of update is taken over (Liu et al. 2025).
    """

    def __init__(self, kernels: Iterable[torch.nn.Parameter], lr: float) -> None:
        self._kernels = list(kernels)
        super().__init__([torch.nn.Parameter(_rows(kernel.detach())) for kernel in self._kernels], {"lr": lr})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update every kernel by its gradient, with Nesterov's momentum."""
        (group,) = self.param_groups
        for kernel, matrix in zip(self._kernels, group["params"], strict=True):
            if kernel.grad is None:
                continue
            gradient = _rows(kernel.grad.contiguous(memory_format=torch.channels_last))
            state = self.state[matrix]
            if not state:
                state["momentum_buffer"] = torch.zeros_like(gradient)
            mean = state["momentum_buffer"]
            mean.lerp_(gradient, 1 - MOMENTUM)
            update = _orthogonal(gradient.lerp(mean, MOMENTUM))
            matrix.add_(update, alpha=-group["lr"] * 0.2 * max(matrix.shape) ** 0.5)


def _rows(kernel: torch.Tensor) -> torch.Tensor:
    """View a kernel, without copying it, as a matrix with a row for each output."""
    return kernel.permute(0, 2, 3, 1).view(len(kernel), -1)


def _orthogonal(matrix: torch.Tensor) -> torch.Tensor:
    """Return about the nearest matrix with orthogonal rows, or columns if it has fewer, by Newton and Schulz."""
    a, b, c = COEFFICIENTS
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / x.norm().clamp(min=1e-7)  # no singular value above 1
    if fast_bfloat16(matrix.device):
        x = x.bfloat16()
    for _ in range(STEPS):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x
