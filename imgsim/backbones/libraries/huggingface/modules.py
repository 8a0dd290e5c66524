"""Torch modules around networks of transformers: normalised pixels, or tokens, to one vector."""

from __future__ import annotations

import inspect
from functools import partial
from typing import TYPE_CHECKING, Any

from imgsim.backbones.libraries.pooling import no_class_token, pool_map, pool_tokens

if TYPE_CHECKING:
    from torch import Tensor, nn


def image_module(network: Any, pooling: str, size: tuple[int, int], image_size: int | None) -> nn.Module:
    """Return a module (n, 3, h, w) to (n, dim).

    Parameters
    ----------
    network : transformers.PreTrainedModel
    pooling : str
        See `imgsim.backbones.options.NetworkOptions`.
    size : (int, int)
        Height and width of the input.
    image_size : int, optional
        Given where it is not the network's own: position embeddings are then interpolated.

    Raises
    ------
    BackboneError
        The network has no class token, and ``pooling`` is ``"cls"``.
    """
    from torch import nn

    dual = hasattr(network, "get_image_features")
    compared = dual and pooling == "model"  # the vector that is compared with texts
    options = {}
    parameters = inspect.signature(network.get_image_features if dual else network.forward).parameters
    if image_size is not None and "interpolate_pos_encoding" in parameters:
        options["interpolate_pos_encoding"] = True
    patches, name = _patches(network.config, size), type(network).__name__

    class ImageTower(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            if dual:
                network.text_model = None
            self.network = network

        def forward(self, x: Tensor) -> Tensor:
            whole = self.network  # no closure: a copy of this module must run its own network
            vision = whole.vision_model if dual and not compared else whole
            found = (whole.get_image_features if compared else vision)(pixel_values=x, **options)
            if pooling == "model":
                return _own_vector(found, patches, name)
            return _pooled(found.last_hidden_state, pooling, patches, name)

    tower = ImageTower().eval()
    _fix_positions(tower, size)
    return tower


def _fix_positions(tower: nn.Module, size: tuple[int, int]) -> None:
    """Replace position embeddings that are interpolated at each run by those of this input size.

    They are constants: the ONNX file need not compute them, and Core ML has no bicubic interpolation.
    """
    import torch

    parts: list[Any] = [part for part in tower.modules() if hasattr(part, "interpolate_pos_encoding")]
    seen: dict[Any, Tensor] = {}

    def recorder(part: Any) -> Any:
        def record(*values: Any) -> Tensor:
            seen[part] = type(part).interpolate_pos_encoding(part, *values).detach()
            return seen[part]

        return record

    for part in parts:
        part.interpolate_pos_encoding = recorder(part)
    with torch.no_grad():
        tower(torch.zeros(1, 3, *size))
    for part in parts:
        del part.interpolate_pos_encoding
        if part in seen:
            part.interpolate_pos_encoding = partial(_constant, seen[part])


def _constant(value: Tensor, *_: Any) -> Tensor:
    return value


def text_module(network: Any) -> nn.Module:
    """Return a module from tokens (n, context) to vectors (n, dim) of the space that pictures lie in."""
    from torch import nn

    class TextHalf(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            network.vision_model = None
            self.network = network

        def forward(self, ids: Tensor) -> Tensor:
            return _tensor(self.network.get_text_features(input_ids=ids))

    return TextHalf().eval()


def _pooled(values: Tensor, pooling: str, patches: int, name: str) -> Tensor:
    """Pool the last feature map (n, dim, h, w) or tokens (n, tokens, dim) to (n, dim).

    Tokens before those of the ``patches`` are the class token and registers.
    """
    if values.ndim == 4:
        return pool_map(values, pooling, name)
    before = max(0, values.shape[1] - patches)
    if pooling == "cls" and not before:
        raise no_class_token(name)
    return pool_tokens(values, pooling, before)


def _own_vector(found: Any, patches: int, name: str) -> Tensor:
    """Return the vector that the network itself pools, else its class token, else the mean of its tokens."""
    vector = found if not hasattr(found, "pooler_output") else found.pooler_output
    if vector is not None:
        flat: Tensor = vector.flatten(1)
        return flat
    values: Tensor = found.last_hidden_state
    before = values.ndim == 3 and values.shape[1] > patches
    return _pooled(values, "cls" if before else "mean", patches, name)


def _tensor(found: Any) -> Tensor:
    vector: Tensor = getattr(found, "pooler_output", found)
    return vector


def _patches(config: Any, size: tuple[int, int]) -> int:
    """Return the number of patches of the input; 0 for networks without patches."""
    vision = getattr(config, "vision_config", config)
    side = getattr(vision, "patch_size", None)
    if not isinstance(side, int):
        return 0
    return (size[0] // side) * (size[1] // side)
