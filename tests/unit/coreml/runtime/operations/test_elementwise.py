"""Each operation is written in MIL, saved, and run from the files; torch says what it should give."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from imgsim.coreml import Interpreter

SHAPE = (2, 3, 4)
UNARY = {
    "abs": torch.abs,
    "ceil": torch.ceil,
    "erf": torch.erf,
    "exp": torch.exp,
    "floor": torch.floor,
    "relu": torch.relu,
    "relu6": functional.relu6,
    "sigmoid": torch.sigmoid,
    "sign": torch.sign,
    "silu": functional.silu,
    "softplus": functional.softplus,
    "square": torch.square,
    "tanh": torch.tanh,
}
BINARY = {
    "add": torch.add,
    "floor_div": torch.floor_divide,
    "maximum": torch.maximum,
    "minimum": torch.minimum,
    "mod": torch.remainder,
    "mul": torch.mul,
    "real_div": torch.div,
    "sub": torch.sub,
    "equal": torch.eq,
    "not_equal": torch.ne,
    "less": torch.lt,
    "less_equal": torch.le,
    "greater": torch.gt,
    "greater_equal": torch.ge,
}
OTHERS = {
    "sqrt": (lambda m, x, y: m.sqrt(x=m.abs(x=x)), lambda x, y: x.abs().sqrt()),
    "log": (lambda m, x, y: m.log(x=m.abs(x=x), epsilon=0.5), lambda x, y: (x.abs() + 0.5).log()),
    "rsqrt": (lambda m, x, y: m.rsqrt(x=m.abs(x=x), epsilon=0.5), lambda x, y: (x.abs() + 0.5).rsqrt()),
    "inverse": (lambda m, x, y: m.inverse(x=m.abs(x=x), epsilon=0.5), lambda x, y: 1 / (x.abs() + 0.5)),
    "pow": (lambda m, x, y: m.pow(x=m.abs(x=x), y=1.5), lambda x, y: x.abs() ** 1.5),
    "clip": (lambda m, x, y: m.clip(x=x, alpha=-0.5, beta=1.0), lambda x, y: x.clip(-0.5, 1)),
    "gelu_exact": (lambda m, x, y: m.gelu(x=x, mode="EXACT"), lambda x, y: functional.gelu(x)),
    "gelu_tanh": (
        lambda m, x, y: m.gelu(x=x, mode="TANH_APPROXIMATION"),
        lambda x, y: functional.gelu(x, approximate="tanh"),
    ),
    "leaky_relu": (lambda m, x, y: m.leaky_relu(x=x, alpha=0.2), lambda x, y: functional.leaky_relu(x, 0.2)),
    "elu": (lambda m, x, y: m.elu(x=x, alpha=0.7), lambda x, y: functional.elu(x, 0.7)),
    "thresholded_relu": (
        lambda m, x, y: m.thresholded_relu(x=x, alpha=0.4),
        lambda x, y: torch.where(x >= 0.4, x, 0.0),
    ),
    "clamped_relu": (
        lambda m, x, y: m.clamped_relu(x=x, alpha=0.1, beta=1.0),
        lambda x, y: functional.leaky_relu(x, 0.1).clamp(max=1),
    ),
    "sigmoid_hard": (
        lambda m, x, y: m.sigmoid_hard(x=x, alpha=0.3, beta=0.4),
        lambda x, y: (0.3 * x + 0.4).clamp(0, 1),
    ),
    "cast_int": (lambda m, x, y: m.cast(x=x, dtype="int32"), lambda x, y: x.int()),
    "cast_bool": (lambda m, x, y: m.cast(x=m.floor(x=x), dtype="bool"), lambda x, y: x.floor() != 0),
    "cast_half": (
        lambda m, x, y: m.cast(x=m.cast(x=x, dtype="fp16"), dtype="fp32"),
        lambda x, y: x.half().float(),
    ),
    "logical": (
        lambda m, x, y: m.logical_or(
            x=m.logical_and(x=m.less(x=x, y=0.5), y=m.less(x=y, y=0.5)), y=m.logical_not(x=m.greater(x=x, y=y))
        ),
        lambda x, y: ((x < 0.5) & (y < 0.5)) | ~(x > y),
    ),
    "select": (
        lambda m, x, y: m.select(cond=m.greater(x=x, y=0.0), a=x, b=m.mul(x=y, y=2.0)),
        lambda x, y: torch.where(x > 0, x, 2 * y.expand_as(x)),
    ),
    "broadcast": (
        lambda m, x, y: m.add(x=x, y=np.float32([[1], [2], [3]])),
        lambda x, y: x + torch.tensor([[1.0], [2], [3]]),
    ),
}
CASES = (
    {kind: (lambda m, x, y, k=kind: getattr(m, k)(x=x), lambda x, y, f=f: f(x)) for kind, f in UNARY.items()}
    | {kind: (lambda m, x, y, k=kind: getattr(m, k)(x=x, y=y), lambda x, y, f=f: f(x, y)) for kind, f in BINARY.items()}
    | OTHERS
)


@pytest.fixture(scope="module")
def given():
    rng = np.random.default_rng(1)
    return {"x": rng.normal(0, 2, SHAPE).astype("f"), "y": rng.normal(1.5, 0.3, (3, 1)).astype("f")}


@pytest.fixture(scope="module", params=["FLOAT32", "FLOAT16"])
def results(request, run_cases, given):
    return request.param, run_cases(CASES, given, precision=request.param)


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_torch(name, results):
    precision, pairs = results
    actual, expected = pairs[name]
    if precision == "FLOAT32":
        np.testing.assert_allclose(actual, expected, rtol=2e-6, atol=1e-6)
    elif name != "mod":  # x mod y jumps where x / y is nearly whole
        np.testing.assert_allclose(actual, expected, rtol=3e-3, atol=3e-3)


def test_float16_results_are_float16_numbers(build, given):
    path = build({"root": lambda m, x, y: m.sqrt(x=m.abs(x=x))}, {"x": SHAPE, "y": (3, 1)}, "FLOAT16", plain=False)
    values = Interpreter(path).run(given)["root"]
    assert np.array_equal(values, values.astype(np.float16))
