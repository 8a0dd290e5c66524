"""Augmentation of a crop for the student: shift, zoom, mirror, colours, all in one resampling."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch.nn import functional

from imgsim.backbones.spec import IMAGENET_MEAN, IMAGENET_STD

ZOOM = 0.15
JITTER = 0.35
GRAY = 0.06
_LUMA = (0.299, 0.587, 0.114)


def normalize(pixels: torch.Tensor) -> torch.Tensor:
    """Convert (n, 3, h, w) RGB in [0, 255] to the network's input."""
    mean = torch.tensor(IMAGENET_MEAN, device=pixels.device).view(1, 3, 1, 1) * 255
    std = torch.tensor(IMAGENET_STD, device=pixels.device).view(1, 3, 1, 1) * 255
    return ((pixels - mean) / std).contiguous(memory_format=torch.channels_last)


def student_view(
    pixels: torch.Tensor, boxes: torch.Tensor, size: int, random: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Cut ``boxes`` out of pictures and vary them.

    Parameters
    ----------
    pixels : (n, h, w, 3) uint8
    boxes : (n, 4) float
        Left, top, right, bottom as shares of the picture: what the teacher saw.
    size : int
        Pixels of the result's side.
    random : torch.Generator
        On the device of ``pixels``.

    Returns
    -------
    (n, 3, size, size) float
        Normalised.
    (n,) bool
        Which are mirrored.
    """
    n, device = len(pixels), pixels.device

    def uniform(*shape: int) -> torch.Tensor:
        return torch.rand(shape, generator=random, device=device)

    extent, center = boxes[:, 2:] - boxes[:, :2], boxes[:, 2:] + boxes[:, :2] - 1
    kept = extent * (1 - ZOOM * uniform(n, 1))
    center = center + (2 * uniform(n, 2) - 1) * (extent - kept)
    mirrored = uniform(n) < 0.5
    affine = torch.zeros(n, 2, 3, device=device)
    affine[:, 0, 0], affine[:, 1, 1], affine[:, :, 2] = kept[:, 0] * (1 - 2 * mirrored.float()), kept[:, 1], center
    grid = functional.affine_grid(affine, [n, 3, size, size], align_corners=False)
    x = functional.grid_sample(pixels.permute(0, 3, 1, 2).float(), grid, padding_mode="reflection", align_corners=False)
    return normalize(_recolor(x, uniform)), mirrored


def mirror_parts(targets: torch.Tensor, mirrored: torch.Tensor) -> torch.Tensor:
    """Exchange left and right parts of (n, parts, D) answers of a teacher where the picture is mirrored."""
    side = math.isqrt(targets.shape[1])
    exchanged = targets.view(len(targets), side, side, -1).flip(2).view_as(targets)
    return torch.where(mirrored[:, None, None], exchanged, targets)


def _recolor(x: torch.Tensor, uniform: Callable[..., torch.Tensor]) -> torch.Tensor:
    n = len(x)
    brightness, contrast, saturation = 1 + JITTER * (2 * uniform(3, n, 1, 1, 1) - 1)
    x = x * brightness
    mean = x.mean((1, 2, 3), keepdim=True)
    x = mean + (x - mean) * contrast
    gray = (x * torch.tensor(_LUMA, device=x.device).view(1, 3, 1, 1)).sum(1, keepdim=True)
    saturation = torch.where(uniform(n, 1, 1, 1) < GRAY, torch.zeros_like(saturation), saturation)
    return (gray + (x - gray) * saturation).clamp(0, 255)
