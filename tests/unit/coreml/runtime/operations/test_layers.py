import numpy as np
import pytest
import torch
from torch.nn import functional

from imgsim.coreml import Interpreter
from imgsim.errors import UnsupportedOperationError

RNG = np.random.default_rng(2)


def weight(*shape):
    return (RNG.normal(size=shape) / np.sqrt(max(np.prod(shape[1:]), 1))).astype("f")


def convolution(seed):
    """A convolution of x with drawn kernel, stride, padding, dilation and groups."""
    rng = np.random.default_rng(seed)
    groups = int(rng.choice([1, 2, 6]))
    kernel, strides, dilations = (rng.integers(1, high, 2).tolist() for high in (4, 4, 3))
    pad = rng.integers(0, 4, 4).tolist()
    w, b = weight(12, 6 // groups, *kernel), weight(12)
    return (
        lambda m, x, *_: m.conv(
            x=x, weight=w, bias=b, strides=strides, pad_type="custom", pad=pad, dilations=dilations, groups=groups
        ),
        lambda x, *_: functional.conv2d(
            functional.pad(x, (pad[2], pad[3], pad[0], pad[1])),
            torch.from_numpy(w),
            torch.from_numpy(b),
            strides,
            0,
            dilations,
            groups,
        ),
    )


def normalised(x, dims, epsilon):
    return (x - x.mean(dims, keepdim=True)) / (x.var(dims, keepdim=True, unbiased=False) + epsilon).sqrt()


W3, W4, G6, B6, V6 = weight(4, 6, 3, 3), weight(4, 6, 4, 4), weight(6), weight(6), np.abs(weight(6)) + 0.5
LINEAR, BIAS, LINE = weight(5, 8), weight(5), weight(3, 9, 3)
GAMMA, BETA = weight(9, 8), weight(9, 8)
tensor = torch.from_numpy
CASES = {f"conv_{seed}": convolution(seed) for seed in range(8)} | {
    "conv_same": (
        lambda m, x, *_: m.conv(x=x, weight=W3, strides=[1, 1], pad_type="same"),
        lambda x, *_: functional.conv2d(x, tensor(W3), padding="same"),
    ),
    "conv_same_stride": (
        lambda m, x, *_: m.conv(x=x, weight=W3, strides=[2, 1], pad_type="same_lower"),
        lambda x, *_: functional.conv2d(x, tensor(W3), stride=(2, 1), padding=1),
    ),
    "conv_valid_1d": (
        lambda m, x, *_: m.conv(
            x=m.squeeze(x=m.slice_by_size(x=x, begin=[0, 0, 0, 0], size=[1, -1, -1, -1]), axes=[0]),
            weight=weight_1d(),
            strides=[2],
            pad_type="custom",
            pad=[1, 0],
        ),
        lambda x, *_: functional.conv1d(functional.pad(x[0], (1, 0)), tensor(weight_1d()), stride=2),
    ),
    "linear": (
        lambda m, x, *_: m.linear(x=x, weight=LINEAR, bias=BIAS),
        lambda x, *_: functional.linear(x, tensor(LINEAR), tensor(BIAS)),
    ),
    "matmul": (lambda m, x, y: m.matmul(x=x, y=y, transpose_y=True), lambda x, y: x @ y.mT),
    "matmul_transposed": (lambda m, x, y: m.matmul(x=x, y=y, transpose_x=True), lambda x, y: x.mT @ y),
    "softmax": (lambda m, x, *_: m.softmax(x=x, axis=1), lambda x, *_: x.softmax(1)),
    "layer_norm": (
        lambda m, x, *_: m.layer_norm(x=x, axes=[-2, -1], gamma=GAMMA, beta=BETA, epsilon=1e-3),
        lambda x, *_: normalised(x, (2, 3), 1e-3) * tensor(GAMMA) + tensor(BETA),
    ),
    "layer_norm_bare": (
        lambda m, x, *_: m.layer_norm(x=x, axes=[-1], epsilon=1e-5),
        lambda x, *_: normalised(x, (3,), 1e-5),
    ),
    "batch_norm": (
        lambda m, x, *_: m.batch_norm(x=x, mean=B6, variance=V6, gamma=G6, beta=B6, epsilon=1e-3),
        lambda x, *_: functional.batch_norm(x, tensor(B6), tensor(V6), tensor(G6), tensor(B6), eps=1e-3),
    ),
    "instance_norm": (
        lambda m, x, *_: m.instance_norm(x=x, gamma=G6, beta=B6, epsilon=1e-3),
        lambda x, *_: normalised(x, (2, 3), 1e-3) * tensor(G6)[:, None, None] + tensor(B6)[:, None, None],
    ),
    "max_pool": (
        lambda m, x, *_: m.max_pool(x=x, kernel_sizes=[3, 3], strides=[2, 2], pad_type="custom", pad=[1, 1, 1, 1]),
        lambda x, *_: functional.max_pool2d(x, 3, 2, 1),
    ),
    "max_pool_ceil": (
        lambda m, x, *_: m.max_pool(x=x, kernel_sizes=[3, 3], strides=[2, 2], pad_type="valid", ceil_mode=True),
        lambda x, *_: functional.max_pool2d(x, 3, 2, ceil_mode=True),
    ),
    "max_pool_uneven": (
        lambda m, x, *_: m.max_pool(x=x, kernel_sizes=[2, 2], strides=[1, 2], pad_type="custom", pad=[0, 1, 1, 0]),
        lambda x, *_: functional.max_pool2d(functional.pad(x, (1, 0, 0, 1), value=-99), 2, (1, 2)),
    ),
    "avg_pool": (
        lambda m, x, *_: m.avg_pool(x=x, kernel_sizes=[3, 2], strides=[2, 1], pad_type="custom", pad=[1, 1, 1, 1]),
        lambda x, *_: functional.avg_pool2d(x, (3, 2), (2, 1), 1),
    ),
    "avg_pool_inside": (
        lambda m, x, *_: m.avg_pool(
            x=x,
            kernel_sizes=[3, 3],
            strides=[2, 2],
            pad_type="custom",
            pad=[1, 1, 1, 1],
            exclude_padding_from_average=True,
        ),
        lambda x, *_: functional.avg_pool2d(x, 3, 2, 1, count_include_pad=False),
    ),
}


def weight_1d():
    return LINE


GIVEN = {
    "x": np.random.default_rng(3).normal(0, 1, (2, 6, 9, 8)).astype("f"),
    "y": np.random.default_rng(4).normal(0, 1, (1, 6, 9, 8)).astype("f"),
}


@pytest.fixture(scope="module", params=["FLOAT32", "FLOAT16"])
def results(request, run_cases):
    return request.param, run_cases(CASES, GIVEN, precision=request.param)


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_torch(name, results):
    precision, pairs = results
    actual, expected = pairs[name]
    tolerance = 5e-6 if precision == "FLOAT32" else 6e-3
    np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("mask", [None, "bool", "float"])
def test_attention_agrees_with_torch(mask, run_cases):
    rng = np.random.default_rng(5)
    given = {name: rng.normal(size=(1, 2, size, 4)).astype("f") for name, size in zip("qkv", (3, 5, 5), strict=True)}
    kept = rng.random((3, 5)) < 0.7
    kept[:, 0] = True
    masks = {None: {}, "bool": {"attn_mask": kept}, "float": {"attn_mask": np.where(kept, 0.5, -1).astype("f")}}[mask]
    expected_mask = None if mask is None else torch.from_numpy(masks["attn_mask"])
    case = (
        lambda m, q, k, v: m.scaled_dot_product_attention(query=q, key=k, value=v, **masks),
        lambda q, k, v: functional.scaled_dot_product_attention(q, k, v, attn_mask=expected_mask),
    )
    actual, expected = run_cases({"attention": case}, given, target="iOS18")["attention"]
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("function", "named"),
    [
        (lambda m, x: m.layer_norm(x=x, axes=[1], epsilon=1e-5), "axes = \\[1\\]"),
        (
            lambda m, x: m.avg_pool(x=x, kernel_sizes=[2, 2], strides=[1, 1], pad_type="custom", pad=[0, 1, 0, 1]),
            "padding \\[0, 1, 0, 1\\]",
        ),
        (lambda m, x: m.conv(x=x, weight=W4, strides=[1, 1], pad_type="same"), "'same', a reach of 4"),
        (lambda m, x: m.conv(x=x, weight=W3, strides=[2, 2], pad_type="same"), "stride 2 and size 8"),
        (lambda m, x: m.l2_pool(x=x, kernel_sizes=[2, 2], strides=[1, 1], pad_type="valid"), "l2_pool"),
        (
            lambda m, x: m.conv(x=m.expand_dims(x=x, axes=[2]), weight=weight(2, 6, 1, 1, 1), pad_type="valid"),
            "3 spatial",
        ),
    ],
)
def test_what_is_not_implemented_is_named(function, named, build):
    path = build({"out": function}, {"x": (2, 6, 9, 8)})
    with pytest.raises(UnsupportedOperationError, match=named):
        Interpreter(path).run({"x": GIVEN["x"]})


def test_float16_sums_are_rounded_after_every_term(build):
    x = np.full((1, 4096), 1.0, "f")
    w = np.ones((2, 4096), "f")
    path = build({"out": lambda m, x: m.linear(x=x, weight=w)}, {"x": x.shape}, "FLOAT16", plain=False)
    assert Interpreter(path).run({"x": x})["out"].tolist() == [[4096.0, 4096.0]]
    # 2048 + 1 is 2048 in float16: the sum stops growing
    assert Interpreter(path, accumulate="float16").run({"x": x})["out"].tolist() == [[2048.0, 2048.0]]
    exact = build({"out": lambda m, x: m.linear(x=x, weight=w)}, {"x": x.shape})
    assert Interpreter(exact, accumulate="float16").run({"x": x})["out"].tolist() == [[4096.0, 4096.0]]


def test_float16_sums_of_every_layer_are_close_but_not_equal(build):
    cases = {name: mil for name, (mil, _) in CASES.items() if name.startswith(("conv", "linear", "matmul"))}
    path = build(cases, {name: array.shape for name, array in GIVEN.items()}, "FLOAT16", plain=False)
    wide, narrow = Interpreter(path).run(GIVEN), Interpreter(path, accumulate="float16").run(GIVEN)
    for name in cases:
        np.testing.assert_allclose(narrow[name], wide[name], rtol=0.02, atol=0.02)
    assert sum(not np.array_equal(narrow[name], wide[name]) for name in cases) > len(cases) // 2
