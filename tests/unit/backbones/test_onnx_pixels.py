"""Networks of ONNX files rewritten: whatever their names and kind of numbers, pixels in and one feature out."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import imgsim
from imgsim.backbones.get import get_backbone
from imgsim.backbones.onnx_export import ONNX_FILE, export_onnx
from imgsim.backbones.runtime import OnnxRuntime

SIDE = 32


@pytest.fixture
def network(tmp_path):
    """``network(nodes, kind, names)``: nodes from the picture ``names[0]`` (1, 3, 32, 32) to ``names[1]``."""

    def make(*nodes, kind=TensorProto.FLOAT, names=("x", "y"), output=None):
        taken = helper.make_tensor_value_info(names[0], TensorProto.FLOAT, [1, 3, SIDE, SIDE])
        given = output or helper.make_tensor_value_info(names[1], kind, None)
        constants = [
            onnx.numpy_helper.from_array(np.array(value, np.int64), name)
            for name, value in {"rows": [1, -1, SIDE], "flat": [-1], "two": [2, -1], "one": [1, 3, 1024, 1, 1]}.items()
        ]
        graph = helper.make_graph(
            [helper.make_node(*node[:3], **node[3]) for node in nodes], "g", [taken], [given], constants
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
        onnx.save(model, tmp_path / "net.onnx")
        return get_backbone(f"onnx:{tmp_path / 'net.onnx'}")

    return make


def mean_of(taken, given):
    return ("GlobalAveragePool", [taken], ["pooled"], {}), ("Flatten", ["pooled"], [given], {})


@pytest.mark.parametrize("kind", ["FLOAT16", "DOUBLE", "INT64"])
def test_other_kinds_of_numbers_are_cast(kind, network, tmp_path):
    number = getattr(TensorProto, kind)
    backbone = network(*mean_of("x", "m"), ("Cast", ["m"], ["y"], {"to": number}), kind=number)
    spec = export_onnx(backbone, tmp_path / "x")
    found = OnnxRuntime(tmp_path / "x" / ONNX_FILE)(np.full((1, SIDE, SIDE, 3), 255, np.uint8))
    white = (1 - np.array(spec.mean)) / np.array(spec.std)
    np.testing.assert_allclose(found[0], np.trunc(white) if kind == "INT64" else white, rtol=2e-3)


@pytest.mark.parametrize("names", [("x", "pixels"), ("pixels", "y"), ("pixels", "feature"), ("scale", "file/pixels")])
def test_names_of_the_file_do_not_matter(names, network, tmp_path):
    spec = export_onnx(network(*mean_of(*names), names=names), tmp_path / "x")
    found = OnnxRuntime(tmp_path / "x" / ONNX_FILE)(np.full((1, SIDE, SIDE, 3), 255, np.uint8))
    np.testing.assert_allclose(found[0], (1 - np.array(spec.mean)) / np.array(spec.std), rtol=1e-5)


def test_values_inside_branches_keep_their_origin(network, tmp_path):
    branches = [
        helper.make_graph(
            [helper.make_node("Reshape", [value, "rows"], ["pixels"])],
            "branch",
            [],
            [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, None)],
        )
        for value in ("x", "twice")
    ]
    backbone = network(
        ("Add", ["x", "x"], ["twice"], {}),
        ("Constant", [], ["yes"], {"value": onnx.numpy_helper.from_array(np.array(True))}),
        ("If", ["yes"], ["y"], {"then_branch": branches[0], "else_branch": branches[1]}),
    )
    assert export_onnx(backbone, tmp_path / "x").dim == SIDE


@pytest.mark.parametrize(
    ("nodes", "kind", "message"),
    [
        ([("ReduceMean", ["x"], ["y"], {"keepdims": 0})], "FLOAT", r"output 'y' an array of shape \(\): .*\(1, dim\)"),
        ([("Reshape", ["x", "flat"], ["y"], {})], "FLOAT", r"an array of shape \(3072,\): the output must be numbers"),
        ([("Reshape", ["x", "two"], ["y"], {})], "FLOAT", r"an array of shape \(2, 1536\)"),
        ([("Reshape", ["x", "one"], ["y"], {})], "FLOAT", r"an array of shape \(1, 3, 1024, 1, 1\)"),
        ([("Greater", ["x", "x"], ["y"], {})], "BOOL", "values of type bool: the output must be numbers"),
        (
            [("Reshape", ["x", "missing"], ["y"], {})],
            "FLOAT",
            r"cannot run on an RGB picture of 32 x 32 .*must take float32",
        ),
        ([("MatMul", ["x", "rows"], ["y"], {})], "FLOAT", "cannot run on an RGB picture"),
        ([("Identity", ["x"], ["y"], {})], "DOUBLE", "cannot run on an RGB picture"),
    ],
)
def test_networks_without_a_feature_are_named(nodes, kind, message, network, tmp_path, capfd):
    backbone = network(*nodes, kind=getattr(TensorProto, kind))
    with pytest.raises(imgsim.BackboneError, match=rf"{tmp_path / 'net.onnx'} .*{message}"):
        export_onnx(backbone, tmp_path / "x")
    assert not capfd.readouterr().err


def test_a_sequence_and_no_output_are_named(network, tmp_path):
    given = helper.make_tensor_sequence_value_info("y", TensorProto.FLOAT, None)
    backbone = network(("SequenceConstruct", ["x", "x"], ["y"], {}), output=given)
    with pytest.raises(imgsim.BackboneError, match=r"net\.onnx gives as its output 'y' values of type list"):
        export_onnx(backbone, tmp_path / "x")
    model = onnx.load(tmp_path / "net.onnx")
    model.graph.ClearField("output")
    onnx.save(model, tmp_path / "net.onnx")
    with pytest.raises(imgsim.BackboneError, match=r"net\.onnx has no output: the output must be"):
        export_onnx(get_backbone(f"onnx:{tmp_path / 'net.onnx'}"), tmp_path / "x")
