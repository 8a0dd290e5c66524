"""A network with its preprocessing inside: what every engine runs and every export starts from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgsim.backbones import Backbone

if TYPE_CHECKING:
    from torch import nn


def pixel_module(backbone: Backbone) -> nn.Module:
    """The network with its preprocessing inside: uint8 (n, h, w, 3) RGB to float32 (n, dim)."""
    import torch
    from torch import nn

    class PixelModule(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = backbone.build().eval().float()
            self.mean: torch.Tensor
            self.std: torch.Tensor
            self.register_buffer("mean", torch.tensor(backbone.spec.mean).view(1, 3, 1, 1) * 255)
            self.register_buffer("std", torch.tensor(backbone.spec.std).view(1, 3, 1, 1) * 255)

        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            x = (pixels.permute(0, 3, 1, 2).float() - self.mean) / self.std
            y: torch.Tensor = self.network(x)
            return y.mean((2, 3)) if y.ndim == 4 else y.flatten(1)

    return PixelModule().eval()
