"""``mini``, the packaged network: ten plain 3x3 convolutions with ReLU, which any phone runs."""

import torch
from torch import nn
from torch.nn import functional

from imgsim.backbones.mini import POOL_GRID

WIDTHS = (32, 64, 64, 128, 128, 128, 256, 256, 256, 256)
STRIDES = (2, 2, 1, 2, 1, 1, 2, 1, 1, 1)
DIM = WIDTHS[-1] * POOL_GRID**2


class MiniEncoder(nn.Module):
    """Convolutional encoder of normalised RGB (n, 3, 96, 96) to features (n, 2304): channel means over a 3 x 3 grid.

    Batch normalisation and skip connections exist in training only: they are folded into the convolutions
    (structural re-parameterisation; RepVGG, Ding et al. 2021).
    """

    def __init__(self) -> None:
        super().__init__()
        channels = (3, *WIDTHS)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(channels[i], channels[i + 1], 3, stride, 1) for i, stride in enumerate(STRIDES)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (n, 3, h, w) float to (n, 2304) float; h and w are multiples of 48."""
        for convolution in self.convolutions:
            x = functional.relu(convolution(x))
        return functional.adaptive_avg_pool2d(x, POOL_GRID).flatten(1)
