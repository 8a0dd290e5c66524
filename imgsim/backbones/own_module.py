"""Your own network as a backbone: a copy of it that always returns (n, dim) float32, and its fingerprint."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imgsim.backbones.probe import probe_pictures, sketch
from imgsim.backbones.spec import IMAGENET_MEAN, IMAGENET_STD, Backbone, Triple, make_spec
from imgsim.errors import ArgumentTypeError, BackboneError
from imgsim.io.error_text import shorten

if TYPE_CHECKING:
    from torch import Tensor, dtype, nn


def from_module(
    module: nn.Module,
    name: str | None = None,
    input_size: int | tuple[int, int] | None = None,
    mean: Triple | None = None,
    std: Triple | None = None,
) -> Backbone:
    """Wrap your own network as a backbone.

    The backbone holds a copy in evaluation mode on the CPU, so ``module`` stays as it is and may change afterwards.
    Unset arguments come from the module's attributes of the same names, else they are 224 x 224 and ImageNet's mean
    and standard deviation.

    The feature is ``pooler_output`` where the module returns one, else the first tensor of a tuple, mapping or
    dataclass. Maps (n, dim, height, width) are averaged over space, tokens (n, tokens, dim) over tokens.

    The fingerprint covers the structure, the weights and the features of fixed pictures, so another ``forward`` is
    another backbone.

    Raises
    ------
    ArgumentTypeError
        ``module`` is no torch module.
    BackboneError
        It cannot be copied, or cannot run on a picture of this size.
    """
    from torch import nn

    if not isinstance(module, nn.Module):
        raise ArgumentTypeError(
            "backbone must be a name, 'module:factory', an imgsim Backbone or a torch.nn.Module, "
            f"not {type(module).__name__}."
        )
    attributes: Any = module
    size: Any = input_size or getattr(attributes, "input_size", 224)
    label = name or type(module).__name__
    try:
        height, width = (size, size) if isinstance(size, int) else map(int, size)
        mean, std = mean or _triple(attributes, "mean", IMAGENET_MEAN), std or _triple(attributes, "std", IMAGENET_STD)
    except (TypeError, ValueError):
        raise BackboneError(
            f"the input_size of {label} must be a whole number or (height, width), its mean and std three numbers each."
        ) from None
    network, features = _runnable_copy(module, label, _normalised(probe_pictures(height, width), mean, std))
    content = f"{_state_digest(module)} {sketch(features)}"
    spec = make_spec(label, content, (height, width), mean, std, "your module", "yours")
    return Backbone(spec, partial(copy.deepcopy, network))


def _triple(module: Any, name: str, default: Triple) -> Triple:
    red, green, blue = getattr(module, name, default)
    return float(red), float(green), float(blue)


def _normalised(pictures: NDArray[np.uint8], mean: Triple, std: Triple) -> Tensor:
    import torch

    values = (pictures / 255 - np.array(mean)) / np.array(std)
    return torch.from_numpy(np.ascontiguousarray(values.transpose(0, 3, 1, 2), np.float32))


def _state_digest(module: nn.Module) -> str:
    """Return the hexadecimal sha256 of structure and weights."""
    import torch

    content = hashlib.sha256(repr(module).encode())
    for key, value in sorted(module.state_dict().items()):
        content.update(key.encode())
        if isinstance(value, torch.Tensor):
            flat = value.detach().cpu().contiguous().reshape(-1)
            content.update(f"{value.dtype} {tuple(value.shape)}".encode() + flat.view(torch.uint8).numpy().tobytes())
        else:  # what a module's get_extra_state returns
            content.update(repr(value).encode())
    return content.hexdigest()


def _runnable_copy(module: nn.Module, name: str, pictures: Tensor) -> tuple[nn.Module, NDArray[np.float32]]:
    """Copy the network in 32 bits, or in its own float type if its code insists on it; return its features too."""
    import torch

    own = next((tensor.dtype for tensor in _tensors(module) if tensor.is_floating_point()), torch.float32)
    try:
        return _try(module, torch.float32, pictures)
    except BackboneError:
        raise
    except Exception as error:
        if own == torch.float32:
            raise _cannot_run(name, pictures, error) from error
    try:
        return _try(module, own, pictures)
    except Exception as error:
        raise _cannot_run(name, pictures, error) from error


def _cannot_run(name: str, pictures: Tensor, error: Exception) -> BackboneError:
    height, width = pictures.shape[2:]
    return BackboneError(
        f"{name} cannot run on a picture of {height} x {width} pixels: {type(error).__name__}: {shorten(error)}. "
        "Give its module an input_size that fits, and check that it takes (n, 3, height, width) alone."
    )


def _try(module: nn.Module, kind: dtype, pictures: Tensor) -> tuple[nn.Module, NDArray[np.float32]]:
    """Copy the network in a float type and run it picture by picture, without a trace in torch's random state."""
    import torch

    network = _feature_network(_copy(module, kind), kind)
    with torch.random.fork_rng(devices=[]), torch.inference_mode(), torch.autocast("cpu", enabled=False):
        torch.manual_seed(0)
        features = [network(picture[None])[0].numpy() for picture in pictures]
    if not features[0].size:
        raise TypeError("it returns a tensor without values")
    return network, np.stack(features)


def _tensors(module: nn.Module) -> Iterator[Tensor]:
    return chain(module.parameters(), module.buffers())


def _copy(module: nn.Module, kind: dtype) -> nn.Module:
    """Copy a module to the CPU, in evaluation mode; floating-point weights become ``kind``, none needs gradients."""
    import torch
    from torch import nn

    def copied(tensor: Tensor) -> Tensor:
        plain = tensor.detach().to("cpu", kind if tensor.is_floating_point() else tensor.dtype, copy=True)
        return nn.Parameter(plain, requires_grad=False) if isinstance(tensor, nn.Parameter) else plain

    if any(torch.nn.parameter.is_lazy(tensor) for tensor in _tensors(module)):
        raise BackboneError(f"{type(module).__name__} has layers without weights: run it once on a picture first.")
    computed = (value for part in module.modules() for value in vars(part).values() if isinstance(value, torch.Tensor))
    memo: dict[int, Any] = {id(tensor): copied(tensor) for tensor in chain(_tensors(module), computed)}
    try:
        return copy.deepcopy(module, memo).eval()
    except Exception as error:
        raise BackboneError(
            f"{type(module).__name__} cannot be copied: {shorten(error)}. Pass the part of it that computes features, "
            "without locks, files and process groups."
        ) from error


def _feature_network(network: nn.Module, kind: dtype) -> nn.Module:
    """Return a module around ``network`` that maps (n, 3, h, w) float32 to (n, dim) float32."""
    import torch
    from torch import nn

    class FeatureNetwork(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, x: Tensor) -> Tensor:
            y = _first_tensor(self.network(x if kind == torch.float32 else x.to(kind)))
            if y is None:
                raise TypeError("it returns no tensor")
            if y.is_complex():
                raise TypeError("it returns complex numbers")
            if y.dtype != torch.float32:
                y = y.to(torch.float32)
            if len(x) == 1 and (y.ndim == 0 or len(y) != 1):  # its code has squeezed the batch
                y = y.unsqueeze(0)
            if y.ndim == 4:
                return y.mean((2, 3))
            return y.mean(1) if y.ndim == 3 else y.reshape(len(x), -1)

    return FeatureNetwork().eval()


def _first_tensor(output: Any) -> Tensor | None:
    """Return ``pooler_output``, else the first tensor in a tuple, list, mapping or dataclass."""
    import torch

    if isinstance(output, torch.Tensor):
        return output
    if isinstance(output, (list, tuple)) and not hasattr(output, "_fields"):
        named: Mapping[str, Any] = {str(i): value for i, value in enumerate(output)}
    elif hasattr(output, "_asdict"):
        named = output._asdict()
    else:
        named = output if isinstance(output, Mapping) else getattr(output, "__dict__", {})
    values = [value for value in (named.get("pooler_output"), *named.values()) if value is not None]
    return next((tensor for value in values if (tensor := _first_tensor(value)) is not None), None)
