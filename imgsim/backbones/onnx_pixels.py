"""A network of an ONNX file, rewritten to take pixels and to give one feature."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from imgsim.backbones.spec import BackboneSpec
from imgsim.errors import BackboneError
from imgsim.io.error_text import shorten, temporary_cause

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto

_FEATURES = ("image_embeds", "pooler_output")
_FLOAT, _UINT8 = 1, 2  # onnx.TensorProto
_OWN = "file/"  # in front of the file's own names, so that none is one of those added here
_EXPECTED = "the output must be numbers of shape (1, dim), (1, tokens, dim) or (1, dim, height, width)"


@dataclass(frozen=True)
class PictureInput:
    """Input of an ONNX network: its name, (height, width) with 0 for any, and whether channels come last."""

    name: str
    size: tuple[int, int]
    last: bool


def write_pixel_network(path: Path, data: bytes, own: PictureInput, spec: BackboneSpec, target: Path) -> None:
    """Write a network with its preprocessing in front: uint8 (1, height, width, 3) to float32 (1, dim).

    Parameters
    ----------
    path : Path
        File of the network, for messages.
    data : bytes
        Its content.

    Raises
    ------
    BackboneError
        The network cannot run on a picture of its size, or gives no feature.
    """
    import onnx

    model = onnx.load_model_from_string(data)
    names = [item.name for item in model.graph.output]
    if not names:
        raise BackboneError(f"{path} has no output: {_EXPECTED}.")
    output = next((name for name in _FEATURES if name in names), names[0])
    prefix_names(model.graph, _OWN)
    _prepend(model.graph, own, spec)
    kept = next(item for item in model.graph.output if item.name == _OWN + output)
    model.graph.ClearField("output")
    model.graph.output.append(kept)
    _append(model, _run(path, model, spec), f"{path} gives as its output {output!r}")
    onnx.save(model, target)


def prefix_names(graph: GraphProto, prefix: str) -> None:
    """Put a prefix in front of the name of each value of a graph and of the graphs in it."""
    sparse = [tensor for item in graph.sparse_initializer for tensor in (item.values, item.indices)]
    for item in (*graph.input, *graph.output, *graph.value_info, *graph.initializer, *sparse):
        item.name = item.name and prefix + item.name
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [name and prefix + name for name in names]
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                prefix_names(inner, prefix)


def _prepend(graph: GraphProto, own: PictureInput, spec: BackboneSpec) -> None:
    """Put normalisation in front of a graph."""
    from onnx import helper, numpy_helper

    mean, std = (np.array(values, np.float32) * 255 for values in (spec.mean, spec.std))
    constants = {"scale": 1 / std, "shift": -mean / std}
    graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())
    name = _OWN + own.name
    nodes = [
        helper.make_node("Cast", ["pixels"], ["float"], to=_FLOAT),
        helper.make_node("Mul", ["float", "scale"], ["scaled"]),
        helper.make_node("Add", ["scaled", "shift"], [name if own.last else "normal"]),
    ]
    if not own.last:
        nodes.append(helper.make_node("Transpose", ["normal"], [name], perm=[0, 3, 1, 2]))
    kept = [*nodes, *graph.node]
    initial = [item for item in graph.input if item.name != name]
    graph.ClearField("node")
    graph.ClearField("input")
    graph.node.extend(kept)
    pixels = helper.make_tensor_value_info("pixels", _UINT8, [1, spec.height, spec.width, 3])
    graph.input.extend([pixels, *initial])


def _run(path: Path, model: ModelProto, spec: BackboneSpec) -> Any:
    """Return what a network gives for a black picture."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # errors are raised; their log would go to stderr
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        return session.run(None, {"pixels": np.zeros((1, spec.height, spec.width, 3), np.uint8)})[0]
    except Exception as error:
        if (cause := temporary_cause(error)) is not None:
            raise cause from error
        raise BackboneError(
            f"{path} cannot run on an RGB picture of {spec.height} x {spec.width} pixels: {shorten(error)}. "
            "The network must take float32 (1, 3, height, width) or (1, height, width, 3) of that size."
        ) from error


def _append(model: ModelProto, found: Any, subject: str) -> None:
    """Cast the output to float32, and average it over places or tokens, so that the network gives (1, dim)."""
    from onnx import helper, numpy_helper

    if not isinstance(found, np.ndarray) or found.dtype.kind not in "fiu":
        kind = found.dtype if isinstance(found, np.ndarray) else type(found).__name__
        raise BackboneError(f"{subject} values of type {kind}: {_EXPECTED}.")
    if found.ndim not in (2, 3, 4) or found.shape[0] != 1 or not found.size:
        raise BackboneError(f"{subject} an array of shape {found.shape}: {_EXPECTED}.")
    graph = model.graph
    output = graph.output[0].name
    axes = {3: [1], 4: [2, 3]}.get(found.ndim)
    version = next(item.version for item in model.opset_import if item.domain in ("", "ai.onnx"))
    graph.node.append(helper.make_node("Cast", [output], ["feature" if axes is None else "values"], to=_FLOAT))
    if axes and version < 18:
        graph.node.append(helper.make_node("ReduceMean", ["values"], ["feature"], axes=axes, keepdims=0))
    elif axes:
        graph.initializer.append(numpy_helper.from_array(np.array(axes, np.int64), "axes"))
        graph.node.append(helper.make_node("ReduceMean", ["values", "axes"], ["feature"], keepdims=0))
    graph.ClearField("output")
    graph.output.append(helper.make_tensor_value_info("feature", _FLOAT, None))
