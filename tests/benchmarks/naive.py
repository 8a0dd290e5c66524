"""The loop everybody writes first, to compare with: PIL, the preset of torchvision, eager torch in batches."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from imgsim.backbones.spec import Backbone
from imgsim.images.table import ImageTable
from tests.benchmarks.measure import Cost, timed

BATCHES = (1, 32)
"""Both are written; which is faster depends on the network and on the memory allocator."""


def loop(images: ImageTable, backbone: Backbone, batch_size: int) -> tuple[int, Cost]:
    """How many of ``images`` were done, in full batches, and their cost; the first batch is run before as well.

    PyTorch prepares its kernels anew for each batch size, so a shorter last batch would count against it.
    """
    size = min(batch_size, len(images))
    count = len(images) // size * size
    import torch

    module, transform = backbone.build().eval(), preset(backbone)

    def batch(start: int) -> Any:
        pictures = [Image.open(Path(path)).convert("RGB") for path in images.locations[start : start + size]]
        with torch.inference_mode():
            return module(torch.stack([transform(picture) for picture in pictures]))

    batch(0)
    return count, timed(lambda: [batch(start) for start in range(0, count, size)])[1]


def preset(backbone: Backbone) -> Callable[[Image.Image], Any]:
    """torchvision's own preprocessing of its networks (resize, centre crop); a plain stretch for others."""
    from torchvision import models, transforms

    spec = backbone.spec
    if spec.name in models.list_models(module=models):
        weights: Any = models.get_model_weights(spec.name).DEFAULT
        own: Callable[[Image.Image], Any] = weights.transforms()
        return own
    stretch: Callable[[Image.Image], Any] = transforms.Compose(
        [
            transforms.Resize((spec.height, spec.width)),
            transforms.ToTensor(),
            transforms.Normalize(spec.mean, spec.std),
        ]
    )
    return stretch
