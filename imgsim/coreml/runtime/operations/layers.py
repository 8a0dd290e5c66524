"""Layer operations: convolution, matrix products, normalisation, pooling, attention."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from imgsim.coreml.runtime.operations.float16_sums import product16
from imgsim.coreml.runtime.operations.registry import Call, operation


@operation("conv")
def conv(call: Call) -> Tensor:
    """Convolve (n, channels, [height,] width)."""
    x, weight, bias = call.tensor("x"), call.tensor("weight"), call.optional("bias")
    if x.dim() == 3:
        return _conv2d(call, x.unsqueeze(2), weight.unsqueeze(2), bias, 1).squeeze(2)
    if x.dim() != 4:
        raise call.unsupported(f"{x.dim() - 2} spatial dimensions")
    return _conv2d(call, x, weight, bias, 0)


def _conv2d(call: Call, x: Tensor, weight: Tensor, bias: Tensor | None, lead: int) -> Tensor:
    """Convolve over two dimensions; the first ``lead`` of them were added here and have no parameters."""
    spatial = 2 - lead
    strides = [1] * lead + call.numbers("strides", [1] * spatial)
    dilations = [1] * lead + call.numbers("dilations", [1] * spatial)
    groups = call.number("groups", 1)
    reach = [(size - 1) * step + 1 for size, step in zip(weight.shape[2:], dilations, strict=True)]
    top, bottom, left, right = padding(call, list(x.shape[2:]), reach, strides, lead)
    x = functional.pad(x, (left, right, top, bottom))
    if not call.narrow:
        return functional.conv2d(x, weight, bias, strides, 0, dilations, groups)
    height, width = ((x.shape[2 + i] - reach[i]) // strides[i] + 1 for i in range(2))
    columns = functional.unfold(x, tuple(weight.shape[2:]), tuple(dilations), 0, tuple(strides))
    columns = columns.reshape(x.shape[0], groups, -1, height * width)
    result = product16(weight.reshape(groups, weight.shape[0] // groups, -1), columns)
    result = result.reshape(x.shape[0], -1, height, width)
    return result if bias is None else result + bias.reshape(-1, 1, 1)


def padding(call: Call, sizes: list[int], reach: list[int], strides: list[int], lead: int = 0) -> list[int]:
    """Return the padding before and after each spatial dimension; the first ``lead`` dimensions have no parameters.

    Padding ``same`` is supported if both sides are equal: Apple's documents disagree on the larger side otherwise.
    """
    kind = call.text("pad_type", "valid", "custom", "same", "same_lower")
    written = [0, 0] * lead + call.numbers("pad", [0, 0] * (len(sizes) - lead))
    if kind == "custom":
        return written
    if any(written):
        raise call.unsupported(f"pad_type = {kind!r} and pad = {written}")
    if kind == "valid":
        return written
    both = []
    for size, kernel, stride in zip(sizes, reach, strides, strict=True):
        total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
        if kernel % 2 == 0 or total != kernel - 1:
            raise call.unsupported(f"pad_type = {kind!r}, a reach of {kernel}, stride {stride} and size {size}")
        both += [total // 2] * 2
    return both


@operation("linear")
def linear(call: Call) -> Tensor:
    """Compute ``x weight' + bias``; weight is (out, in)."""
    x, weight, bias = call.tensor("x"), call.tensor("weight"), call.optional("bias")
    if not call.narrow:
        return functional.linear(x, weight, bias)
    result = product16(x, weight.T)
    return result if bias is None else result + bias


@operation("matmul")
def matmul(call: Call) -> Tensor:
    """Multiply matrices ``x @ y`` over the last two dimensions, transposed if asked for."""
    x, y = call.tensor("x"), call.tensor("y")
    if call.number("transpose_x", False):
        x = x.transpose(-1, -2)
    if call.number("transpose_y", False):
        y = y.transpose(-1, -2)
    return product16(x, y) if call.narrow and min(x.dim(), y.dim()) > 1 else torch.matmul(x, y)


@operation("scaled_dot_product_attention")
def attention(call: Call) -> Tensor:
    """Compute ``softmax(query key' / sqrt(d) + mask) value``; a boolean mask keeps where it is true."""
    query, key, value, mask = call.tensor("query"), call.tensor("key"), call.tensor("value"), call.optional("attn_mask")
    product = product16 if call.narrow else torch.matmul
    scores = product(query, key.transpose(-1, -2)) / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf) if mask.dtype == torch.bool else scores + mask
    return product(torch.softmax(scores, -1), value)


@operation("softmax")
def softmax(call: Call) -> Tensor:
    """Compute the softmax along ``axis``."""
    return torch.softmax(call.tensor("x"), call.number("axis", -1))


@operation("layer_norm")
def layer_norm(call: Call) -> Tensor:
    """Normalise over the last axes to zero mean and unit variance, then apply ``gamma`` and ``beta``."""
    x = call.tensor("x")
    axes = sorted(axis % x.dim() for axis in call.numbers("axes"))
    if axes != list(range(x.dim() - len(axes), x.dim())):
        raise call.unsupported(f"axes = {axes}, which are not the last ones,")
    shape = [x.shape[axis] for axis in axes]
    return functional.layer_norm(x, shape, call.optional("gamma"), call.optional("beta"), call.number("epsilon"))


@operation("batch_norm")
def batch_norm(call: Call) -> Tensor:
    """Normalise each channel by fixed ``mean`` and ``variance``."""
    gamma, beta = call.optional("gamma"), call.optional("beta")
    mean, variance = call.tensor("mean"), call.tensor("variance")
    return functional.batch_norm(call.tensor("x"), mean, variance, gamma, beta, eps=call.number("epsilon"))


@operation("instance_norm")
def instance_norm(call: Call) -> Tensor:
    """Normalise each channel of each image by its own mean and variance."""
    gamma, beta = call.optional("gamma"), call.optional("beta")
    return functional.instance_norm(call.tensor("x"), weight=gamma, bias=beta, eps=call.number("epsilon"))


@operation("max_pool")
def max_pool(call: Call) -> Tensor:
    """Take the largest value of each window; padding counts as minus infinity."""
    x, kernel, strides, pads, ceil = _window(call)
    if pads[0] == pads[1] and pads[2] == pads[3]:
        return functional.max_pool2d(x, kernel, strides, pads[::2], ceil_mode=ceil)
    top, bottom, left, right = pads
    return functional.max_pool2d(functional.pad(x, (left, right, top, bottom), value=-math.inf), kernel, strides)


@operation("avg_pool")
def avg_pool(call: Call) -> Tensor:
    """Take the mean of each window; padding counts as 0 unless ``exclude_padding_from_average``."""
    x, kernel, strides, pads, ceil = _window(call)
    exclude = bool(call.number("exclude_padding_from_average", False))
    if pads[0] != pads[1] or pads[2] != pads[3]:
        raise call.unsupported(f"padding {pads} that differs between two sides")
    return functional.avg_pool2d(x, kernel, strides, pads[::2], ceil_mode=ceil, count_include_pad=not exclude)


def _window(call: Call) -> tuple[Tensor, list[int], list[int], list[int], bool]:
    """Read the parameters of a pooling: x, kernel, strides, padding (top, bottom, left, right), ceil mode."""
    x = call.tensor("x")
    if x.dim() != 4:
        raise call.unsupported(f"{x.dim() - 2} spatial dimensions")
    kernel = call.numbers("kernel_sizes")
    strides = call.numbers("strides", [1, 1])
    pads = padding(call, list(x.shape[2:]), kernel, strides)
    ceil = bool(call.number("ceil_mode", False))
    if ceil and (pads[0] != pads[1] or pads[2] != pads[3]):
        raise call.unsupported(f"ceil_mode and padding {pads} that differs between two sides")
    return x, kernel, strides, pads, ceil
