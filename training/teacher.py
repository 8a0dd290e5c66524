"""The network whose features are learned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from imgsim.backbones.get import get_backbone
from imgsim.backbones.libraries.torchvision import classifier
from training.network import PARTS

BATCH = 32


class Teacher:
    """A backbone that turns crops into features of their parts, and its classifier where it has a linear one.

    Where the feature is the mean over space of what the module calls ``features``, as in MobileNetV2,
    the answer is one feature for each of 2 x 2 parts; of other networks it is the feature.

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
        built = network.build()
        own: Any = built.network if ":" in backbone else built  # the module itself, without its wrapper
        self.module = own.eval().to(self.device)
        self.head = self._head(None if ":" in backbone else network.spec.name, weights)
        mean, std = torch.tensor(network.spec.mean), torch.tensor(network.spec.std)
        self._scale = (1 / (255 * std)).view(1, 3, 1, 1).to(self.device)
        self._shift = (-mean / std).view(1, 3, 1, 1).to(self.device)
        self._trunk = self._averaged_trunk()

    @property
    def identity(self) -> str:
        """Text of all that targets depend on."""
        return f"{self.spec.fingerprint}-{self.size}-{PARTS**2 if self._trunk else 1}"

    def _head(self, name: str | None, weights: str | Path | None) -> nn.Linear | None:
        """Find the module's own classifier, or that of the network of this ``name``."""
        head = getattr(self.module, "classifier_head", None)
        if not isinstance(head, nn.Linear):
            head = None if name is None else classifier(name, weights)
        return None if head is None else head.requires_grad_(False)

    @torch.inference_mode()
    def _averaged_trunk(self) -> nn.Module | None:
        """Find the part whose output, averaged over space, is the feature; tried on one picture of noise."""
        trunk = getattr(self.module, "features", None)
        if not isinstance(trunk, nn.Module):
            return None
        noise = torch.randn(1, 3, self.size, self.size, generator=torch.Generator().manual_seed(0)).to(self.device)
        maps, feature = trunk(noise), self.module(noise)
        averaged = maps.ndim == 4 and maps.shape[1] == feature.shape[1]
        return trunk if averaged and torch.allclose(maps.mean((2, 3)), feature, rtol=1e-3, atol=1e-4) else None

    @torch.inference_mode()
    def features(self, crops: NDArray[np.uint8]) -> NDArray[np.float16]:
        """Compute features of (n, size, size, 3) uint8 RGB: (n, parts, D) float16; parts is 4, row by row, or 1."""
        parts = []
        for start in range(0, len(crops), BATCH):
            batch = torch.from_numpy(crops[start : start + BATCH]).to(self.device).permute(0, 3, 1, 2).float()
            x = (batch * self._scale + self._shift).contiguous(memory_format=torch.channels_last)
            if self._trunk is None:
                answer = self.module(x)[:, None]
            else:
                answer = functional.adaptive_avg_pool2d(self._trunk(x), PARTS).flatten(2).transpose(1, 2)
            parts.append(answer.half().cpu().numpy())
        return np.concatenate(parts)
