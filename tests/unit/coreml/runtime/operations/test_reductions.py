import numpy as np
import pytest
import torch

from imgsim.coreml import Interpreter

TORCH = {
    "reduce_sum": lambda x, axes, keep: x.sum(axes, keepdim=keep),
    "reduce_mean": lambda x, axes, keep: x.mean(axes, keepdim=keep),
    "reduce_max": lambda x, axes, keep: x.amax(axes, keepdim=keep),
    "reduce_min": lambda x, axes, keep: x.amin(axes, keepdim=keep),
    "reduce_l1_norm": lambda x, axes, keep: x.abs().sum(axes, keepdim=keep),
    "reduce_l2_norm": lambda x, axes, keep: x.square().sum(axes, keepdim=keep).sqrt(),
    "reduce_sum_square": lambda x, axes, keep: x.square().sum(axes, keepdim=keep),
}
CASES = {
    f"{kind}_{''.join(str(axis % 9) for axis in axes)}_{keep}": (
        lambda m, x, k=kind, a=axes, keep=keep: getattr(m, k)(x=x, axes=a, keep_dims=keep),
        lambda x, f=function, a=axes, keep=keep: f(x, a, keep),
    )
    for kind, function in TORCH.items()
    for axes, keep in (([1], False), ([-2, -1], True), ([0, 2], False))
} | {
    "all": (lambda m, x: m.reduce_sum(x=x, keep_dims=True), lambda x: x.sum((0, 1, 2), keepdim=True)),
    "argmax": (lambda m, x: m.reduce_argmax(x=x, axis=1), lambda x: x.argmax(1)),
    "argmin": (lambda m, x: m.reduce_argmin(x=x, axis=-1, keep_dims=True), lambda x: x.argmin(-1, keepdim=True)),
}


@pytest.fixture(scope="module", params=["FLOAT32", "FLOAT16"])
def results(request, run_cases):
    given = {"x": np.random.default_rng(0).normal(0, 2, (3, 4, 5)).astype("f")}
    return request.param, run_cases(CASES, given, precision=request.param)


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_torch(name, results):
    precision, pairs = results
    actual, expected = pairs[name]
    tolerance = 2e-6 if precision == "FLOAT32" else 3e-3
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance)


def test_float16_sums_are_rounded_after_every_term(build):
    cases = {name: mil for name, (mil, _) in CASES.items() if "arg" not in name}
    path = build(cases, {"x": (3, 40, 5)}, "FLOAT16", plain=False)
    x = np.abs(np.random.default_rng(0).normal(30, 9, (3, 40, 5))).astype("f")
    wide, narrow = Interpreter(path).run({"x": x}), Interpreter(path, accumulate="float16").run({"x": x})
    for name in cases:
        assert narrow[name].shape == wide[name].shape
        finite = np.isfinite(narrow[name]) & np.isfinite(wide[name])
        np.testing.assert_allclose(narrow[name][finite], wide[name][finite], rtol=0.03)
    assert not np.array_equal(narrow["reduce_sum_1_False"], wide["reduce_sum_1_False"])
    assert np.array_equal(narrow["reduce_max_1_False"], wide["reduce_max_1_False"])
    # 600 squares of about 900 pass the largest float16, 65,504
    assert torch.from_numpy(x).square().sum() > 65504
