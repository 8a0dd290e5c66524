import numpy as np
import pytest
import torch

from imgsim.coreml import Interpreter
from imgsim.errors import CoreMLError, UnsupportedOperationError

CASES = {
    "reshape": (lambda m, x: m.reshape(x=x, shape=[4, -1]), lambda x: x.reshape(4, -1)),
    "flatten2d": (lambda m, x: m.flatten2d(x=x, axis=2), lambda x: x.reshape(6, 20)),
    "transpose": (lambda m, x: m.transpose(x=x, perm=[-2, 0, 3, 1]), lambda x: x.permute(2, 0, 3, 1)),
    "expand_dims": (lambda m, x: m.squeeze(x=m.expand_dims(x=x, axes=[0]), axes=[0]), lambda x: x),
    "expand_dims_last": (
        lambda m, x: m.expand_dims(
            x=m.slice_by_index(x=x, begin=[0, 0, 0, 0], end=[1, 1, 4, 5], squeeze_mask=[True, True, False, False]),
            axes=[-1, 1],
        ),
        lambda x: x[0, 0][:, None, :, None],
    ),
    "squeeze": (
        lambda m, x: m.squeeze(x=m.slice_by_size(x=x, begin=[0, 1, 0, 0], size=[1, 1, -1, -1])),
        lambda x: x[0, 1],
    ),
    "concat": (lambda m, x: m.concat(values=(x, m.relu(x=x)), axis=-3), lambda x: torch.cat([x, x.relu()], 1)),
    "stack": (lambda m, x: m.squeeze(x=m.stack(values=(x,), axis=2), axes=[2]), lambda x: x),
    "split": (lambda m, x: m.split(x=x, num_splits=2, axis=2)[1], lambda x: x[:, :, 2:]),
    "split_sizes": (lambda m, x: m.split(x=x, split_sizes=[1, 3], axis=2)[1], lambda x: x[:, :, 1:]),
    "slice": (
        lambda m, x: m.slice_by_index(x=x, begin=[0, 1, -3, 0], end=[2, 3, -1, 5], stride=[1, 1, 1, 2]),
        lambda x: x[0:2, 1:3, -3:-1, 0:5:2],
    ),
    "slice_masks": (
        lambda m, x: m.slice_by_index(
            x=x,
            begin=[1, 2, 1, 1],
            end=[2, 0, 2, 3],
            begin_mask=[False, False, True, False],
            end_mask=[False, True, False, False],
            squeeze_mask=[True, False, False, False],
        ),
        lambda x: x[1, 2:, :2, 1:3],
    ),
    "slice_by_size": (
        lambda m, x: m.slice_by_size(x=x, begin=[0, 1, 2, 0], size=[-1, 2, 1, 3]),
        lambda x: x[:, 1:3, 2:3, :3],
    ),
    "pad": (
        lambda m, x: m.pad(x=x, pad=[1, 0, 2, 3], mode="constant", constant_val=0.5),
        lambda x: torch.nn.functional.pad(x, (2, 3, 1, 0), value=0.5),
    ),
    "tile": (lambda m, x: m.tile(x=x, reps=[1, 2, 1, 3]), lambda x: x.repeat(1, 2, 1, 3)),
    "reverse": (lambda m, x: m.reverse(x=x, axes=[1, -1]), lambda x: x.flip(1, 3)),
    "reverse_all": (lambda m, x: m.reverse(x=x), lambda x: x.flip(0, 1, 2, 3)),
    "shape": (lambda m, x: m.cast(x=m.shape(x=x), dtype="fp32"), lambda x: torch.tensor([2.0, 3, 4, 5])),
}
GIVEN = {"x": np.random.default_rng(0).normal(0, 2, (2, 3, 4, 5)).astype("f")}


@pytest.fixture(scope="module")
def results(run_cases):
    return run_cases(CASES, GIVEN)


@pytest.mark.parametrize("name", CASES)
def test_moves_values_as_torch_does(name, results):
    actual, expected = results[name]
    np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize(
    ("function", "named"),
    [
        (lambda m, x: m.pad(x=x, pad=[1, 1], mode="reflect"), "mode = 'reflect'"),
        (lambda m, x: m.concat(values=(x, x), axis=1, interleave=True), "interleave = True"),
        (
            lambda m, x: m.slice_by_index(x=x, begin=[1, 0, 0, 0], end=[0, 3, 4, 5], stride=[-1, 1, 1, 1]),
            "stride = \\[-1, 1, 1, 1\\]",
        ),
        (lambda m, x: m.band_part(x=x, lower=1, upper=1), "band_part"),
    ],
)
def test_what_is_not_implemented_is_named(function, named, build):
    path = build({"out": function}, {"x": (2, 3, 4, 5)})
    with pytest.raises(UnsupportedOperationError, match=named) as caught:
        Interpreter(path).run(GIVEN)
    assert isinstance(caught.value, CoreMLError)
    assert caught.value.operation in str(caught.value)
