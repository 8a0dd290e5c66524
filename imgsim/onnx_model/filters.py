"""Filters of Pillow's resizing as ONNX nodes: the weight of a pixel by its distance, float64.

The formulas are written as Pillow writes them, so that their rounding is the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from imgsim.onnx_model.graph import Part, Value


def _bilinear(part: Part, x: Value) -> Value:
    """1 - x, up to 1."""
    return part.add("Relu", part.add("Sub", part.real(1), x))


def _bicubic(part: Part, x: Value) -> Value:
    """Piecewise cubic (Keys 1981) with a = -0.5, up to 2."""
    x = part.add("Min", x, part.real(2))
    inner = part.add("Sub", part.add("Mul", part.real(1.5), x), part.real(2.5))
    inner = part.add("Add", part.add("Mul", part.add("Mul", inner, x), x), part.real(1))
    outer = part.add("Add", part.add("Mul", part.add("Sub", x, part.real(5)), x), part.real(8))
    outer = part.add("Mul", part.add("Sub", part.add("Mul", outer, x), part.real(4)), part.real(-0.5))
    near = part.double(part.add("Less", x, part.real(1)))
    far = part.add("Sub", part.real(1), near)
    return part.add("Add", part.add("Mul", near, inner), part.add("Mul", far, outer))


def _lanczos(part: Part, x: Value) -> Value:
    """sinc(x) sinc(x / 3), up to 3."""
    inside = part.double(part.add("Less", x, part.real(3)))
    third = part.add("Div", x, part.real(3))
    return part.add("Mul", inside, part.add("Mul", _sinc(part, x), _sinc(part, third)))


def _sinc(part: Part, x: Value) -> Value:
    """Return sin(pi x) / (pi x), which is 1 at 0."""
    angle = part.add("Mul", part.add("Max", x, part.real(1e-9)), part.real(math.pi))
    return part.add("Div", part.add("Sin", angle), angle)


FILTERS: dict[str, tuple[float, Callable[[Part, Value], Value]]] = {
    "bilinear": (1, _bilinear),
    "bicubic": (2, _bicubic),
    "lanczos": (3, _lanczos),
}
"""Interpolation to how far its filter reaches, and the filter."""
