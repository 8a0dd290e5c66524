"""``mini``, the packaged encoder: ten plain 3x3 convolutions, nothing a phone cannot run."""

import torch
from torch import nn
from torch.nn import functional

from imgsim.backbones.mini import CELLS

WIDTHS = (32, 64, 64, 128, 128, 128, 256, 256, 256, 256)
STRIDES = (2, 2, 1, 2, 1, 1, 2, 1, 1, 1)
DIM = WIDTHS[-1] * CELLS**2


class MiniEncoder(nn.Module):
    """Normalised RGB (n, 3, 96, 96) to features (n, 2304): channel means over 3 x 3 cells.

    Batch normalisation and the skip connections of training are folded into the convolutions
    (RepVGG, Ding et al. 2021), so inference is convolution and ReLU alone.
    """

    def __init__(self) -> None:
        super().__init__()
        channels = (3, *WIDTHS)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(channels[i], channels[i + 1], 3, stride, 1) for i, stride in enumerate(STRIDES)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, 3, h, w) float to (n, 2304); h and w multiples of 48."""
        for convolution in self.convolutions:
            x = functional.relu(convolution(x))
        return functional.adaptive_avg_pool2d(x, CELLS).flatten(1)
