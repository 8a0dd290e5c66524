"""A network from a stranger: nothing but ONNX's own operators, nothing outside its file, no memory without end."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from imgsim.backbones.onnx_check import check_onnx
from imgsim.backbones.runtime import OnnxRuntime
from imgsim.errors import ModelFormatError

PIXELS = np.zeros((1, 4, 4, 3), np.uint8)


def network(*nodes, constants=(), functions=(), imports=(("", 20),)) -> onnx.ModelProto:
    """A model from ``pixels`` to ``feature``."""
    pixels = helper.make_tensor_value_info("pixels", TensorProto.UINT8, [1, 4, 4, 3])
    feature = helper.make_tensor_value_info("feature", TensorProto.FLOAT, None)
    graph = helper.make_graph(list(nodes), "network", [pixels], [feature], list(constants))
    opsets = [helper.make_opsetid(domain, version) for domain, version in imports]
    return helper.make_model(graph, opset_imports=opsets, functions=list(functions), ir_version=9)


def good() -> onnx.ModelProto:
    """Two values of each picture."""
    return network(
        helper.make_node("Cast", ["pixels"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["floats"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["feature"]),
        constants=[numpy_helper.from_array(np.ones((48, 2), np.float32), "weights")],
    )


def saved(model: onnx.ModelProto, folder: Path) -> Path:
    """The model as a file."""
    (folder / "backbone.onnx").write_bytes(model.SerializeToString())
    return folder / "backbone.onnx"


def outside(tensor: TensorProto, location: str) -> TensorProto:
    """A tensor whose values lie in another file."""
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return tensor


def test_a_network_runs(tmp_path: Path) -> None:
    assert OnnxRuntime(saved(good(), tmp_path))(PIXELS + 1).tolist() == [[48.0, 48.0]]


@pytest.mark.parametrize("location", ["/etc/passwd", "../secret.bin", "weights.bin"])
def test_weights_in_other_files(tmp_path: Path, location: str) -> None:
    model = good()
    outside(model.graph.initializer[0], location)
    with pytest.raises(ModelFormatError, match="in other files"):
        OnnxRuntime(saved(model, tmp_path))


def test_weights_in_other_files_deep_inside(tmp_path: Path) -> None:
    constant = helper.make_node("Constant", [], ["c"], value=numpy_helper.from_array(np.ones(4, np.float32), "c"))
    outside(constant.attribute[0].t, "../secret.bin")
    branch = helper.make_graph([constant], "branch", [], [helper.make_tensor_value_info("c", TensorProto.FLOAT, [4])])
    choice = helper.make_node("If", ["yes"], ["feature"], then_branch=branch, else_branch=branch)
    model = network(choice, constants=[numpy_helper.from_array(np.array(True), "yes")])
    with pytest.raises(ModelFormatError, match="in other files"):
        path = saved(model, tmp_path)
        check_onnx(path, path.read_bytes())


def test_operators_of_others(tmp_path: Path) -> None:
    model = network(helper.make_node("Shell", ["pixels"], ["feature"], domain="evil"), imports=(("", 20), ("evil", 1)))
    with pytest.raises(ModelFormatError, match=r"not ONNX's own: evil\.Shell"):
        OnnxRuntime(saved(model, tmp_path))


def test_loops(tmp_path: Path) -> None:
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["again"])],
        "body",
        [helper.make_tensor_value_info(n, t, []) for n, t in (("i", TensorProto.INT64), ("go", TensorProto.BOOL))],
        [helper.make_tensor_value_info("again", TensorProto.BOOL, [])],
    )
    loop = helper.make_node("Loop", ["", "yes"], [], body=body)
    model = network(loop, *good().graph.node, constants=[numpy_helper.from_array(np.array(True), "yes")])
    with pytest.raises(ModelFormatError, match=r"repeats parts of itself \(Loop\)"):
        OnnxRuntime(saved(model, tmp_path))


def test_memory_is_bounded(tmp_path: Path) -> None:
    """In a process of its own: a limit that fails would end this one."""
    sizes = numpy_helper.from_array(np.array([1, 2_500_000_000], np.int64), "sizes")
    big = helper.make_node("ConstantOfShape", ["sizes"], ["big"], value=helper.make_tensor("v", 1, [1], [1.0]))
    path = saved(network(big, helper.make_node("ReduceSum", ["big"], ["feature"]), constants=[sizes]), tmp_path)
    code = (
        "import sys, numpy\nfrom pathlib import Path\nfrom imgsim.backbones.runtime import OnnxRuntime\n"
        "from imgsim.errors import ModelFormatError\nfrom tests.benchmarks.measure import peak_memory_mb\n"
        "try: OnnxRuntime(Path(sys.argv[1]))(numpy.zeros((1, 4, 4, 3), numpy.uint8))\n"
        "except ModelFormatError: print(peak_memory_mb())\n"
    )
    command, root = [sys.executable, "-c", code, str(path)], Path(__file__).parents[3]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root)
    assert float(done.stdout) < 1000
    assert done.stderr == ""


@pytest.mark.parametrize("data", [b"", b"\x08", b"not a network" * 9, b"\xff" * 400])
def test_what_is_no_network(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "backbone.onnx").write_bytes(data)
    with pytest.raises(ModelFormatError, match="backbone"):
        OnnxRuntime(tmp_path / "backbone.onnx")(PIXELS)


def test_other_inputs_and_outputs(tmp_path: Path) -> None:
    cast = helper.make_node("Cast", ["pixels"], ["feature"], to=TensorProto.FLOAT)
    with pytest.raises(ModelFormatError, match="not one feature"):
        OnnxRuntime(saved(network(cast), tmp_path))(PIXELS)
    with pytest.raises(ModelFormatError, match="cannot run on a picture"):
        OnnxRuntime(saved(good(), tmp_path))(np.zeros((1, 9, 9, 3), np.uint8))
