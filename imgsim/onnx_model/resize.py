"""First part of the ONNX graph: a picture of any size becomes the pixels that Python gives the network, to the bit.

Pillow resizes along one axis, then along the other. Each new pixel is a sum of old ones with fixed-point weights of 22
bits, rounded to 8 bits. Both the weights and the sums are computed here with its own numbers, in float64 and whole
numbers, so that no device rounds otherwise. ``Resize`` of ONNX has weights in float32 and is off by one now and then.

The sums are matrix products of bytes. New pixels are taken in blocks, because those of a block share most old ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import PIL

from imgsim.backbones.spec import BackboneSpec
from imgsim.deployment.metadata import INPUT
from imgsim.onnx_model.filters import FILTERS
from imgsim.onnx_model.graph import Part, Value

if TYPE_CHECKING:
    from onnx import ValueInfoProto

_BLOCK = 16
_BITS = 22  # of a weight, as in Pillow
_SIGN = 128
_TINY = 1e-30
_TALL_SINCE = 13
"""Version of Pillow that takes columns before rows in tall pictures (python-pillow/Pillow#9549)."""


@dataclass(frozen=True)
class Side:
    """Rows or columns of the input: values in the graph, int64 (1,), and the ``count`` that the network takes.

    Of ``length`` pixels ``total`` are made, and of those ``count`` are taken from ``first`` on.
    """

    length: Value
    total: Value
    first: Value
    count: int

    @property
    def blocks(self) -> int:
        """Number of blocks that hold all pixels taken."""
        return -(-self.count // _BLOCK)


def picture_input(spec: BackboneSpec, any_size: bool) -> ValueInfoProto:
    """Return the input of the model: an RGB picture, uint8 (height, width, 3)."""
    from onnx import TensorProto, helper

    size = ["height", "width"] if any_size else [spec.height, spec.width]
    return helper.make_tensor_value_info(INPUT, TensorProto.UINT8, [*size, 3])


def add_resize(part: Part, spec: BackboneSpec, any_size: bool) -> Value:
    """Add the nodes from the input to the network's pixels, uint8 (1, height, width, 3), and return those.

    A picture of the network's size is not changed.
    """
    if not any_size:
        return part.add("Reshape", INPUT, part.integers([1, spec.height, spec.width, 3]))
    shape = part.add("Shape", INPUT)
    height, width = (part.add("Gather", shape, part.integers([axis])) for axis in (0, 1))
    sides = _frame(part, spec, height, width)
    if int(PIL.__version__.partition(".")[0]) < _TALL_SINCE:
        return _resized(part, spec, sides, tall=False)
    branches = [Part(f"{part.name}/{name}") for name in ("tall", "other")]
    results = [_resized(branch, spec, sides, tall=branch is branches[0]) for branch in branches]
    graphs = [branch.graph(result) for branch, result in zip(branches, results, strict=True)]
    return part.add("If", _is_tall(part, *sides), then_branch=graphs[0], else_branch=graphs[1])


def _is_tall(part: Part, rows: Side, columns: Side) -> Value:
    """Tell if a picture loses more than twice as many rows as columns: Pillow then takes the columns first."""
    lost = [part.add("Sub", side.length, side.total) for side in (rows, columns)]
    more = part.add("Greater", lost[0], part.add("Mul", lost[1], part.integers([2])))
    return part.add("And", more, part.add("Greater", lost[0], part.integers([0])))


def _resized(part: Part, spec: BackboneSpec, sides: tuple[Side, Side], tall: bool) -> Value:
    """Resize the input along one axis and then along the other, and return the network's pixels."""
    rows, columns = sides
    first, second = (rows, columns) if tall else (columns, rows)
    picture = INPUT if tall else part.add("Transpose", INPUT, perm=[1, 0, 2])
    flat = part.add("Reshape", picture, part.add("Concat", first.length, part.integers([-1]), axis=0))
    once = _add_axis(part, flat, first, spec.interpolation)
    apart = part.add("Concat", part.integers([first.count]), second.length, part.integers([3]), axis=0)
    turned = part.add("Transpose", part.add("Reshape", once, apart), perm=[1, 0, 2])
    flat = part.add("Reshape", turned, part.add("Concat", second.length, part.integers([-1]), axis=0))
    twice = part.add(
        "Reshape", _add_axis(part, flat, second, spec.interpolation), part.integers([second.count, first.count, 3])
    )
    upright = part.add("Transpose", twice, perm=[1, 0, 2]) if tall else twice
    return part.add("Reshape", upright, part.integers([1, spec.height, spec.width, 3]))


def _frame(part: Part, spec: BackboneSpec, height: Value, width: Value) -> tuple[Side, Side]:
    """Return rows and columns: how many there are, to how many they are resized, and which of those are taken."""
    wanted = [part.integers([count]) for count in (spec.height, spec.width)]
    totals, starts = wanted, [part.integers([0])] * 2
    if spec.crop_from:
        shorter, target = part.add("Min", height, width), part.integers([spec.crop_from])
        totals = [part.add("Div", part.add("Mul", side, target), shorter) for side in (height, width)]
        pairs = zip(totals, wanted, strict=True)
        starts = [_half(part, part.add("Sub", total, want), spec.crop_floor) for total, want in pairs]
    return Side(height, totals[0], starts[0], spec.height), Side(width, totals[1], starts[1], spec.width)


def _half(part: Part, number: Value, down: bool) -> Value:
    """Halve a whole number; a half is rounded down, or to the even side as Python's ``round`` does."""
    two = part.integers([2])
    half = part.add("Div", number, two)
    if down:
        return half
    odd = part.add("Sub", number, part.add("Mul", half, two))
    uneven = part.add("Sub", half, part.add("Mul", part.add("Div", half, two), two))
    return part.add("Add", half, part.add("Mul", odd, uneven))


def _add_axis(part: Part, pixels: Value, side: Side, interpolation: str) -> Value:
    """Resize uint8 pixels (length, rest) along their first axis, and return (count, rest)."""
    places, weights = _weights(part, side, interpolation)
    near = part.add("Gather", pixels, places)
    total = part.whole(1 << (_BITS - 1))
    for factor, values, zero in weights:
        product = part.add("MatMulInteger", values, near, *zero)
        total = part.add("Add", total, part.add("Mul", product, part.whole(factor)))
    rounded = part.add("Clip", part.add("Div", total, part.whole(1 << _BITS)), part.whole(0), part.whole(255))
    flat = part.add("Reshape", part.add("Cast", rounded, to=part.UINT8), part.integers([side.blocks * _BLOCK, -1]))
    return part.add("Slice", flat, part.integers([0]), part.integers([side.count]), part.integers([0]))


def _weights(part: Part, side: Side, interpolation: str) -> tuple[Value, list[tuple[int, Value, list[Value]]]]:
    """Return the old pixels of each block, int64 (blocks, window), and the weights of its new pixels.

    The weights, uint8 (blocks, 16, window), come in three parts: a factor, the values, and a zero point or none.
    """
    length = side.length
    support, filtered = FILTERS[interpolation]
    scale = part.add("Div", part.double(length), part.double(side.total))
    wider = part.add("Max", scale, part.real(1))
    reach = part.add("Mul", wider, part.real(support))
    number = np.arange(side.blocks * _BLOCK, dtype=np.int64).reshape(-1, _BLOCK, 1)
    new = part.double(part.add("Add", part.constant(f"new_{side.blocks}", number), side.first))
    center = part.add("Mul", part.add("Add", new, part.real(0.5)), scale)
    left = part.add("Sub", part.add("Gather", center, part.integers([0]), axis=1), reach)
    start = part.add("Max", part.add("Cast", part.add("Add", left, part.real(0.5)), to=part.INT64), part.integers([0]))
    old = part.add("Add", start, _window(part, scale, reach))
    away = part.add("Add", part.add("Sub", part.double(old), center), part.real(0.5))
    weight = filtered(part, part.add("Abs", part.add("Mul", away, part.add("Div", part.real(1), wider))))
    weight = part.add("Mul", weight, part.double(part.add("Less", old, length)))
    whole = part.add("Max", part.add("ReduceSum", weight, part.integers([2])), part.real(_TINY))
    inside = part.add("Min", old, part.add("Sub", length, part.integers([1])))
    return part.add("Squeeze", inside, part.integers([1])), _bytes(part, part.add("Div", weight, whole))


def _window(part: Part, scale: Value, reach: Value) -> Value:
    """Return 0, 1, ... for as many old pixels as the new ones of a block are sums of."""
    span = part.add("Add", part.add("Mul", scale, part.real(_BLOCK - 1)), part.add("Mul", reach, part.real(2)))
    most = part.add("Add", part.add("Cast", span, to=part.INT64), part.integers([3]))
    scalars = [part.add("Squeeze", value) for value in (part.integers([0]), most, part.integers([1]))]
    return part.add("Range", *scalars)


def _bytes(part: Part, weight: Value) -> list[tuple[int, Value, list[Value]]]:
    """Round weights to 22 bits, halves away from 0, and split them into bytes."""
    large = part.add("Mul", weight, part.real(1 << _BITS))
    half = part.add("Mul", part.add("Sign", large), part.real(0.5))
    rounded = part.add("Cast", part.add("Add", large, half), to=part.INT64)
    rest = part.add("Add", rounded, part.integers([_SIGN << 16]))
    parts = []
    for factor in (1 << 16, 1 << 8, 1):
        value = part.add("Div", rest, part.integers([factor]))
        rest = part.add("Sub", rest, part.add("Mul", value, part.integers([factor])))
        zero = [part.zero_point(_SIGN)] if factor == 1 << 16 else []
        parts.append((factor, part.add("Cast", value, to=part.UINT8), zero))
    return parts
