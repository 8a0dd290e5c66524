import numpy as np
import pytest
import torch

from imgsim.coreml import Interpreter
from imgsim.errors import CoreMLError, UnsupportedOperationError

ROWS = np.int32([2, 0, -1, 2])
ALONG = np.int32([[0, 1, 2, 1, -1]])
CASES = {
    "topk": (lambda m, x: m.topk(x=x, k=2, axis=-1)[0], lambda x: x.topk(2).values),
    "topk_indices": (lambda m, x: m.topk(x=x, k=2, axis=-1)[1], lambda x: x.topk(2).indices),
    "topk_ascending": (
        lambda m, x: m.topk(x=x, k=3, axis=0, ascending=True)[1],
        lambda x: x.topk(3, dim=0, largest=False).indices,
    ),
    "topk_ties": (
        lambda m, x: m.topk(x=m.mul(x=x, y=0.0), k=2, axis=-1, ascending=True)[1],
        lambda x: torch.tensor([[0, 1]] * 4),
    ),
    "argsort": (lambda m, x: m.argsort(x=x, axis=1, ascending=True), lambda x: x.argsort(1)),
    "gather": (lambda m, x: m.gather(x=x, indices=ROWS, axis=0), lambda x: x[torch.tensor([2, 0, 3, 2])]),
    "gather_axis": (
        lambda m, x: m.gather(x=x, indices=np.int32([[0, 1], [1, 0]]), axis=1),
        lambda x: x[:, torch.tensor([[0, 1], [1, 0]])],
    ),
    "gather_one": (lambda m, x: m.gather(x=x, indices=np.int32(1), axis=0), lambda x: x[1]),
    "gather_along_axis": (
        lambda m, x: m.gather_along_axis(x=x, indices=ALONG, axis=0),
        lambda x: x.gather(0, torch.tensor([[0, 1, 2, 1, 3]])),
    ),
}
GIVEN = {"x": np.random.default_rng(0).permutation(20).reshape(4, 5).astype("f")}


@pytest.fixture(scope="module", params=["iOS15", "iOS17"])
def results(request, run_cases):
    return run_cases(CASES, GIVEN, target=request.param)


@pytest.mark.parametrize("name", CASES)
def test_picks_as_torch_does(name, results):
    actual, expected = results[name]
    np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize(("dtype", "last"), [("uint16", 70_000 - 65_536 - 1), ("int32", 69_999)])
def test_indices_wrap_where_their_type_is_too_small(dtype, last, build):
    path = build(
        {"out": lambda m, x: m.topk(x=x, k=1, axis=-1, output_indices_dtype=dtype)[1]}, {"x": (70_000,)}, target="iOS17"
    )
    assert Interpreter(path).run({"x": np.arange(70_000, dtype="f")})["out"].tolist() == [last]


def test_an_index_outside_is_an_error(build):
    path = build(
        {"out": lambda m, x: m.gather(x=x, indices=m.cast(x=m.reduce_max(x=x, axes=[0, 1]), dtype="int32"), axis=0)},
        {"x": (4, 5)},
    )
    with pytest.raises(CoreMLError, match=r"gather .* outside the 4 values"):
        Interpreter(path).run(GIVEN)


@pytest.mark.parametrize(
    ("function", "named"),
    [
        (lambda m, x: m.topk(x=x, k=2, axis=-1, sort=False)[0], "sort = False"),
        (lambda m, x: m.gather(x=x, indices=np.int32([[0], [1], [1], [0]]), axis=1, batch_dims=1), "batch_dims = 1"),
        (lambda m, x: m.gather_nd(x=x, indices=np.int32([[0, 1]])), "gather_nd"),
    ],
)
def test_what_is_not_implemented_is_named(function, named, build):
    path = build({"out": function}, {"x": (4, 5)})
    with pytest.raises(UnsupportedOperationError, match=named):
        Interpreter(path).run(GIVEN)
