"""``mini`` while it is trained: batch normalisation and skips, which fold into plain convolutions."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from imgsim.backbones.mini.network import STRIDES, WIDTHS, MiniEncoder

PARTS = 2
"""The teacher is asked about 2 x 2 parts of a picture: what is left of 48 pixels has 3 x 3 places."""


class Block(nn.Module):
    """Convolution, batch normalisation, the input again where shapes allow, ReLU (RepVGG, Ding et al. 2021)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.normalization = nn.BatchNorm2d(outputs)
        self.skip = inputs == outputs and stride == 1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (n, inputs, h, w) to (n, outputs, h / stride, w / stride)."""
        y = self.normalization(self.convolution(x))
        return functional.relu(y + x if self.skip else y)

    @torch.no_grad()
    def fold(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return weight and bias of the one convolution that does the same at inference."""
        norm = self.normalization
        scale = norm.weight * torch.rsqrt(torch.as_tensor(norm.running_var) + norm.eps)
        weight = self.convolution.weight * scale[:, None, None, None]
        if self.skip:
            same = torch.arange(len(weight))
            weight[same, same, 1, 1] += 1
        return weight, norm.bias - norm.running_mean * scale  # type: ignore[operator]

    @torch.no_grad()
    def unfold(self, weight: torch.Tensor, bias: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """Become the folded convolution, with the statistics of ``x``; returns the output for ``x``."""
        own = weight.clone()
        if self.skip:
            same = torch.arange(len(own))
            own[same, same, 1, 1] -= 1
        self.convolution.weight.copy_(own)
        y = self.convolution(x)
        variance, mean = torch.var_mean(y, (0, 2, 3), correction=0)
        norm = self.normalization
        norm.running_mean.copy_(mean)  # type: ignore[union-attr]
        norm.running_var.copy_(variance)  # type: ignore[union-attr]
        norm.weight.copy_((variance + norm.eps).sqrt())
        norm.bias.copy_(bias + mean)
        return functional.relu(functional.conv2d(x, weight, bias, self.convolution.stride, 1))


class TrainableEncoder(nn.Module):
    """The blocks of ``mini``; the output is the map of features before it is averaged."""

    def __init__(self) -> None:
        super().__init__()
        channels = (3, *WIDTHS)
        self.blocks = nn.ModuleList(Block(channels[i], channels[i + 1], stride) for i, stride in enumerate(STRIDES))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map normalised RGB (n, 3, h, w) to (n, 256, h / 16, w / 16)."""
        for block in self.blocks:
            x = block(x)
        return x

    def fold(self) -> MiniEncoder:
        """Return the packaged form, in evaluation mode."""
        packaged = MiniEncoder()
        for convolution, block in zip(packaged.convolutions, self.blocks, strict=True):
            weight, bias = block.fold()  # type: ignore[operator]
            convolution.weight.data, convolution.bias.data = weight.cpu(), bias.cpu()
        return packaged.eval()

    @torch.no_grad()
    def unfold(self, packaged: MiniEncoder, x: torch.Tensor) -> None:
        """Go on from packaged weights; ``x``, normalised pictures, gives the statistics that folding lost."""
        for block, convolution in zip(self.blocks, packaged.convolutions, strict=True):
            x = block.unfold(convolution.weight, convolution.bias, x)  # type: ignore[operator]
