"""Elementwise operations: activations, arithmetic, comparisons, casts."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from imgsim.coreml.runtime.operations.registry import Call, operation

CASTS = ("fp16", "fp32", "bool", "int8", "uint8", "int16", "uint16", "int32")
_UNARY: dict[str, Callable[[Tensor], Tensor]] = {
    "abs": torch.abs,
    "ceil": torch.ceil,
    "erf": torch.erf,
    "exp": torch.exp,
    "floor": torch.floor,
    "identity": lambda x: x,
    "logical_not": torch.logical_not,
    "relu": torch.relu,
    "relu6": functional.relu6,
    "sigmoid": torch.sigmoid,
    "sign": torch.sign,
    "silu": functional.silu,
    "softplus": functional.softplus,
    "sqrt": torch.sqrt,
    "square": torch.square,
    "tanh": torch.tanh,
}
_BINARY: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "add": torch.add,
    "equal": torch.eq,
    "floor_div": torch.floor_divide,
    "greater": torch.gt,
    "greater_equal": torch.ge,
    "less": torch.lt,
    "less_equal": torch.le,
    "logical_and": torch.logical_and,
    "logical_or": torch.logical_or,
    "maximum": torch.maximum,
    "minimum": torch.minimum,
    "mod": torch.remainder,
    "mul": torch.mul,
    "not_equal": torch.ne,
    "pow": torch.pow,
    "sub": torch.sub,
}


@operation(*_UNARY)
def unary(call: Call) -> Tensor:
    """Apply an operation of `_UNARY` to ``x``."""
    return _UNARY[call.kind](call.tensor("x"))


@operation(*_BINARY)
def binary(call: Call) -> Tensor:
    """Apply an operation of `_BINARY` to ``x`` and ``y``, broadcast as in NumPy."""
    return _BINARY[call.kind](call.tensor("x"), call.tensor("y"))


@operation("real_div")
def real_div(call: Call) -> Tensor:
    """Divide ``x / y`` in floating point."""
    x, y = call.tensor("x"), call.tensor("y")
    if not (x.is_floating_point() and y.is_floating_point()):
        raise call.unsupported("whole numbers")
    return torch.true_divide(x, y)


@operation("cast")
def cast(call: Call) -> Tensor:
    """Convert to another type; fractions are truncated, and `Interpreter` rounds to the declared type."""
    dtype = call.text("dtype", *CASTS)
    if dtype != call.outputs[0].dtype:
        raise call.damaged(f"it casts to {dtype} and declares {call.outputs[0].dtype}")
    x = call.tensor("x")
    return x != 0 if dtype == "bool" else x


@operation("clip")
def clip(call: Call) -> Tensor:
    """Clip values to ``alpha`` and ``beta``."""
    return torch.clamp(call.tensor("x"), call.number("alpha"), call.number("beta"))


@operation("log", "rsqrt", "inverse")
def shifted(call: Call) -> Tensor:
    """Compute the logarithm, reciprocal square root or reciprocal of ``x + epsilon``."""
    x = call.tensor("x") + call.number("epsilon")
    return {"log": torch.log, "rsqrt": torch.rsqrt, "inverse": torch.reciprocal}[call.kind](x)


@operation("gelu")
def gelu(call: Call) -> Tensor:
    """Apply the Gaussian error linear unit, exact or by tanh."""
    mode = call.text("mode", "EXACT", "TANH_APPROXIMATION")
    return functional.gelu(call.tensor("x"), approximate="none" if mode == "EXACT" else "tanh")


@operation("leaky_relu", "elu")
def one_slope(call: Call) -> Tensor:
    """Keep positive ``x``; replace others by ``alpha x`` (leaky ReLU) or ``alpha (exp(x) - 1)`` (ELU)."""
    function = functional.leaky_relu if call.kind == "leaky_relu" else functional.elu
    return function(call.tensor("x"), call.number("alpha"))


@operation("thresholded_relu")
def thresholded_relu(call: Call) -> Tensor:
    """Replace values below ``alpha`` by 0."""
    x = call.tensor("x")
    return torch.where(x >= call.number("alpha"), x, torch.zeros_like(x))


@operation("clamped_relu")
def clamped_relu(call: Call) -> Tensor:
    """Compute ``alpha x`` below 0 and ``x`` above, at most ``beta``."""
    x = call.tensor("x")
    return torch.clamp(torch.where(x >= 0, x, x * call.number("alpha")), max=call.number("beta"))


@operation("sigmoid_hard")
def sigmoid_hard(call: Call) -> Tensor:
    """Compute ``alpha x + beta``, clipped to 0 and 1."""
    return torch.clamp(call.tensor("x") * call.number("alpha") + call.number("beta"), 0, 1)


@operation("select")
def select(call: Call) -> Tensor:
    """Choose ``a`` where ``cond`` is true, else ``b``."""
    return torch.where(call.tensor("cond").bool(), call.tensor("a"), call.tensor("b"))
