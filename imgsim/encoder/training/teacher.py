"""The network whose features are learned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from imgsim.backbones import get_backbone
from imgsim.torchvision_backbones import classifier

BATCH = 32


class Teacher:
    """A backbone that turns crops into features, and its classifier where it has a linear one.

    Parameters
    ----------
    backbone, weights
        See `imgsim.backbones.get_backbone`. A module of your own may carry the classifier of its
        features as ``classifier_head``, a `torch.nn.Linear`.
    size : int, optional
        Pixels of the (square) input; default the backbone's own. Small photos are judged better
        smaller: MobileNetV2 is at its best at 160 for photos of 64 pixels.
    """

    def __init__(
        self, backbone: str, weights: str | Path | None = None, size: int | None = None, device: str = "cpu"
    ) -> None:
        network = get_backbone(backbone, weights)
        self.spec = network.spec
        self.size = size or network.spec.height
        self.device = torch.device(device)
        self.module = network.build().eval().to(self.device)
        self.head = self._head(weights)
        mean, std = torch.tensor(network.spec.mean), torch.tensor(network.spec.std)
        self._scale = (1 / (255 * std)).view(1, 3, 1, 1).to(self.device)
        self._shift = (-mean / std).view(1, 3, 1, 1).to(self.device)

    @property
    def identity(self) -> str:
        """What targets depend on."""
        return f"{self.spec.fingerprint}-{self.size}"

    def _head(self, weights: str | Path | None) -> nn.Linear | None:
        own = getattr(self.module, "classifier_head", None)
        head = own if isinstance(own, nn.Linear) else classifier(self.spec.name, weights)
        return None if head is None else head.requires_grad_(False)

    @torch.inference_mode()
    def features(self, crops: NDArray[np.uint8]) -> NDArray[np.float16]:
        """(n, size, size, 3) uint8 RGB to (n, D) float16."""
        parts = []
        for start in range(0, len(crops), BATCH):
            batch = torch.from_numpy(crops[start : start + BATCH]).to(self.device).permute(0, 3, 1, 2).float()
            x = (batch * self._scale + self._shift).contiguous(memory_format=torch.channels_last)
            parts.append(self.module(x).half().cpu().numpy())
        return np.concatenate(parts)
