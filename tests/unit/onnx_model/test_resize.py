"""The resizing in the graph is Python's to the bit, for pictures of any size."""

from functools import cache
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from imgsim.backbones.preprocessing import input_pixels
from imgsim.backbones.spec import BackboneSpec
from imgsim.onnx_model.graph import Part
from imgsim.onnx_model.resize import add_resize, picture_input

OLDEST_OPSET = 13


@cache
def resizer(interpolation: str, size: tuple[int, int], crop_from: int, crop_floor: bool) -> Any:
    """A spec, and a session of the first part of the graph alone."""
    half = (0.5, 0.5, 0.5)
    options = {"interpolation": interpolation, "crop_from": crop_from, "crop_floor": crop_floor}
    spec = BackboneSpec("x", "x", *size, half, half, "", "", **options)
    part = Part("input")
    output = helper.make_tensor_value_info(add_resize(part, spec, True), TensorProto.UINT8, [1, *size, 3])
    graph = helper.make_graph(part.nodes, "g", [picture_input(spec, True)], [output], part.constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OLDEST_OPSET)], ir_version=8)
    onnx.checker.check_model(model)
    return spec, onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def agree(spec: BackboneSpec, session: Any, height: int, width: int, seed: int = 0) -> None:
    picture = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    (found,) = session.run(None, {"image": picture})
    assert np.array_equal(found[0], input_pixels(picture, spec)), (height, width)


@settings(deadline=None, max_examples=40)
@given(
    st.sampled_from(("bilinear", "bicubic", "lanczos")),
    st.sampled_from(((20, 20), (33, 17))),
    st.integers(1, 120),
    st.integers(1, 120),
    st.integers(0, 9),
)
def test_any_picture_is_stretched_as_pillow_does(interpolation, size, height, width, seed):
    agree(*resizer(interpolation, size, 0, False), height, width, seed)


@settings(deadline=None, max_examples=40)
@given(
    st.sampled_from((("bilinear", 20), ("bicubic", 23), ("bicubic", 26))),
    st.booleans(),
    st.integers(5, 90),
    st.integers(5, 90),
)
def test_any_picture_is_cropped_as_python_does(how, down, height, width):
    interpolation, crop_from = how
    agree(*resizer(interpolation, (20, 20), crop_from, down), height, width)


@pytest.mark.parametrize("lost", [0, 1, 2, 3, 30])
def test_the_order_of_rows_and_columns_is_pillows(lost):
    """Around the height where Pillow 13 begins to take columns first, and in older versions never."""
    spec, session = resizer("bicubic", (20, 20), 0, False)
    for more in (-1, 0, 1):
        agree(spec, session, 20 + max(0, 2 * lost + more), 20 + lost)
        agree(spec, session, 40, 20 - min(lost, 19))


def test_a_large_picture_and_one_of_the_networks_size():
    spec, session = resizer("bilinear", (33, 17), 0, False)
    agree(spec, session, 600, 1100)
    picture = np.random.default_rng(1).integers(0, 256, (33, 17, 3), np.uint8)
    assert np.array_equal(session.run(None, {"image": picture})[0][0], picture)
