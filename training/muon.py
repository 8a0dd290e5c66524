"""Muon (Jordan et al. 2024) for convolutions: torch's, which takes matrices only."""

from __future__ import annotations

from collections.abc import Iterable

import torch


class Muon(torch.optim.Muon):
    """Optimizer of kernels in channels-last order, each as a matrix (outputs, 9 * inputs) of the same memory.

    The rest of a network belongs to AdamW, whose size of update is taken over (Liu et al. 2025).
    """

    def __init__(self, kernels: Iterable[torch.nn.Parameter], lr: float) -> None:
        self._kernels = list(kernels)
        matrices = [torch.nn.Parameter(_rows(kernel.detach())) for kernel in self._kernels]
        super().__init__(matrices, lr=lr, weight_decay=0.0, adjust_lr_fn="match_rms_adamw")

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update every kernel by its gradient."""
        for kernel, matrix in zip(self._kernels, self.param_groups[0]["params"], strict=True):
            matrix.grad = (
                None if kernel.grad is None else _rows(kernel.grad.contiguous(memory_format=torch.channels_last))
            )
        super().step()


def _rows(kernel: torch.Tensor) -> torch.Tensor:
    """View a kernel, without copying it, as a matrix with a row for each output."""
    return kernel.permute(0, 2, 3, 1).view(len(kernel), -1)
