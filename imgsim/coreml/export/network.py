"""Torch module that is converted to Core ML: backbone, fitted projection and distances to the references."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imgsim.arguments import DEFAULT_K
from imgsim.backbones.spec import Backbone, BackboneSpec
from imgsim.features.embeddings import Projection

if TYPE_CHECKING:
    from torch import Tensor, nn

HEAD = "similarity_head"
"""Name of the submodule that stays in float32 under ``precision="mixed"``; no network of torchvision uses it."""

SCALE = 1 / 255
_FOLD_TOLERANCE = 1e-3
_TINY = {"float32": 1e-12, "float16": 1e-4}


def image_bias(spec: BackboneSpec) -> list[float]:
    """Return the bias of each image channel; with `SCALE` it makes ``x / 255 - mean``, exact at padded borders."""
    return [-value for value in spec.mean]


def image_network(backbone: Backbone, head: nn.Module) -> nn.Module:
    """Return a module that runs images (1, 3, h, w), already ``x / 255 - mean``, through the network and ``head``.

    The division by the standard deviation is folded into the weights of the first convolution. If the first
    layer is no plain convolution, it stays in the graph as one multiplication.
    """
    import torch
    from torch import nn

    class ImageNetwork(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.backbone, folded = _folded(backbone)
            self.gain: torch.Tensor | None
            self.register_buffer("gain", None if folded else _gain(backbone.spec))
            self.add_module(HEAD, head)

        def forward(self, image: Tensor) -> Tensor | tuple[Tensor, Tensor]:
            x = image if self.gain is None else image * self.gain
            y = self.backbone(x)
            y = y.mean((2, 3)) if y.ndim == 4 else y.flatten(1)
            result: Tensor | tuple[Tensor, Tensor] = self.get_submodule(HEAD)(y)
            return result

    return ImageNetwork().eval()


def similarity_head(
    projection: Projection | None,
    references: NDArray[np.float32] | None,
    center: NDArray[np.float32] | None,
    outputs: str,
    k: int = DEFAULT_K,
    arithmetic: str = "float32",
) -> nn.Module:
    """Return a module from features (1, D) to the ``outputs`` asked for: projection, then euclidean distances.

    Parameters
    ----------
    projection : Projection or None
        None keeps the raw feature.
    references, center : (n, d) and (d,) float32
        Of `imgsim.deployment.rows.centered_rows`; None for ``outputs="features"``.
    outputs : str
        ``"features"``: (d,) embedding. ``"distance"``: (n,). ``"topk"``: indices (k,) and distances (k,),
        nearest first. ``"classifier"``: scores ``1 / (1 + distance)`` (n,).
    arithmetic : str
        ``"float32"`` or ``"float16"``, the precision of the head.
    """
    from torch import nn

    class SimilarityHead(nn.Sequential):
        def forward(self, feature: Tensor) -> Tensor | tuple[Tensor, Tensor]:
            for layer in self:
                feature = layer(feature)
            return feature

    layers = [] if projection is None else [_projector(projection, _TINY[arithmetic])]
    if references is not None:
        layers.append(_distances(references, center))
    return SimilarityHead(*layers, _answer(outputs, k))


def _projector(projection: Projection, tiny: float) -> nn.Module:
    import torch
    from torch import nn
    from torch.nn import functional

    class Projector(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            mean = torch.from_numpy(projection.mean.astype(np.float32))
            components = torch.from_numpy(np.ascontiguousarray(projection.components.T, np.float32))
            self.mean: torch.Tensor
            self.components: torch.Tensor
            self.register_buffer("mean", mean[None])
            self.register_buffer("components", components)

        def forward(self, feature: Tensor) -> Tensor:
            rooted = torch.sqrt(functional.relu(feature)) - torch.sqrt(functional.relu(-feature))
            return _unit(functional.linear(_unit(rooted, tiny) - self.mean, self.components), tiny)

    return Projector()


def _unit(x: Tensor, tiny: float) -> Tensor:
    norm = (x * x).sum(1, keepdim=True).sqrt()
    return x / norm.clamp(min=tiny)


def _distances(references: NDArray[np.float32], center: NDArray[np.float32] | None) -> nn.Module:
    """Return a module of ``sqrt(|q|^2 - 2 q r + |r|^2)``: one matrix product with the references, stored once."""
    import torch
    from torch import nn
    from torch.nn import functional

    class Distances(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            rows = torch.from_numpy(np.array(references, np.float32))
            self.rows: torch.Tensor
            self.norms: torch.Tensor
            self.center: torch.Tensor | None
            self.register_buffer("center", None if center is None else torch.from_numpy(center[None]))
            self.register_buffer("rows", -2 * rows)
            self.register_buffer("norms", (rows.double() ** 2).sum(1).float())

        def forward(self, query: Tensor) -> Tensor:
            q = query if self.center is None else query - self.center
            squared = functional.linear(q, self.rows, self.norms) + (q * q).sum(1, keepdim=True)
            return torch.sqrt(functional.relu(squared))

    return Distances()


def _answer(outputs: str, k: int) -> nn.Module:
    import torch
    from torch import nn

    class Answer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one: torch.Tensor
            self.register_buffer("one", torch.ones(1))

        def forward(self, values: Tensor) -> Tensor | tuple[Tensor, Tensor]:
            row = values.squeeze(0)
            if outputs == "topk":
                distances, indices = torch.topk(row, k, largest=False, sorted=True)
                return indices, distances
            if outputs == "classifier":
                return self.one / (1 + row)  # the number 1 would become 1 / (x + 1e-4) in coremltools
            return row

    return Answer()


def _gain(spec: BackboneSpec) -> Tensor:
    import torch

    return 1 / torch.tensor(spec.std, dtype=torch.float32).view(1, 3, 1, 1)


def _folded(backbone: Backbone) -> tuple[nn.Module, bool]:
    """Copy the network and fold the division by the standard deviation into its first convolution, if possible.

    It is possible if a trial run gives the same features: other layers may read the input too. The second value is
    True if it was folded.
    """
    import torch

    network = copy.deepcopy(backbone.build()).eval()
    gain = _gain(backbone.spec)
    probe = torch.rand((1, 3, backbone.spec.height, backbone.spec.width), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        first, expected = _first_convolution(network, (probe - 0.45) * gain)
        if first is None:
            return network, False
        kept = first.weight.detach().clone()
        first.weight.copy_(kept * gain)
        actual = network(probe - 0.45)
        if torch.linalg.vector_norm(actual - expected) <= _FOLD_TOLERANCE * torch.linalg.vector_norm(expected):
            return network, True
        first.weight.copy_(kept)
    return network, False


def _first_convolution(network: nn.Module, probe: Tensor) -> tuple[nn.Conv2d | None, Tensor]:
    """Find the convolution that is the only layer to read the network's input, or None; return it and the output."""
    from torch import nn

    readers: list[nn.Module] = []

    def note(module: nn.Module, arguments: tuple[object, ...]) -> None:
        if arguments and arguments[0] is probe and not list(module.children()):
            readers.append(module)

    hooks = [module.register_forward_pre_hook(note) for module in network.modules()]
    try:
        output: Tensor = network(probe)
    finally:
        for hook in hooks:
            hook.remove()
    only = readers[0] if len(readers) == 1 else None
    plain = isinstance(only, nn.Conv2d) and only.groups == 1 and only.in_channels == 3
    return (only if plain else None), output  # type: ignore[return-value]
