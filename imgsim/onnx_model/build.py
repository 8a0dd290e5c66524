"""Assembly of the ONNX model: resize, the network that Python runs, projection and distances in one graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgsim.backbones.onnx_check import STANDARD, read_network
from imgsim.backbones.onnx_pixels import prefix_names
from imgsim.distribution import installed_version
from imgsim.errors import OnnxModelError
from imgsim.io.error_text import shorten, temporary_cause
from imgsim.onnx_model.graph import Part
from imgsim.onnx_model.head import add_head
from imgsim.onnx_model.options import OnnxOptions
from imgsim.onnx_model.resize import add_resize, picture_input

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

    from imgsim.references.references import References

OPSET = 13
"""Oldest operator set of the added parts; networks of older ones are converted."""
FRONT, HEAD = "imgsim.input", "imgsim.head"
"""Names of the parts that are added; those of the network begin with ``network/``."""
_NETWORK = "network/"


def build(references: References, options: OnnxOptions, max_megabytes: float) -> ModelProto:
    """Build the model, without metadata.

    Raises
    ------
    OnnxModelError
        The model has no network, is too large, or its network cannot be taken into it.
    ModelFormatError
        Its network is damaged.
    """
    spec = references.backbone
    if references.onnx is None:
        raise OnnxModelError(
            f"this model holds no network ({spec.name or 'it was made from vectors'}), so there is none to export: "
            "create it from images."
        )
    options.check_input(spec)
    _refuse_size(references, references.onnx.size, options, max_megabytes)
    model = _at_least(read_network(references.onnx)[1], spec.name)
    pixels, feature = model.graph.input[0].name, model.graph.output[0].name
    prefix_names(model.graph, _NETWORK)
    front, head = Part(FRONT), Part(HEAD)
    front.nodes.append(_identity(add_resize(front, spec, options.any_size), f"{_NETWORK}{pixels}"))
    outputs = add_head(head, f"{_NETWORK}{feature}", references, options)
    _assemble(model, front, head)
    for field in ("input", "output", "value_info"):
        model.graph.ClearField(field)
    model.graph.input.append(picture_input(spec, options.any_size))
    model.graph.output.extend(outputs)
    model.graph.name, model.producer_name, model.producer_version = "imgsim", "imgsim", installed_version()
    return model


def _at_least(data: bytes, name: str) -> ModelProto:
    """Read a network, and bring it to operator set `OPSET` if it has an older one."""
    import onnx
    from onnx import version_converter

    model = onnx.load_model_from_string(data)
    if next(item.version for item in model.opset_import if item.domain in STANDARD) >= OPSET:
        return model
    try:
        return version_converter.convert_version(model, OPSET)
    except Exception as error:
        if (cause := temporary_cause(error)) is not None:
            raise cause from error
        raise OnnxModelError(
            f"the network {name} cannot be brought to operator set {OPSET}, which imgsim's parts need: "
            f"{shorten(error)}. Export it again with opset_version={OPSET}."
        ) from error


def _identity(source: str, target: str) -> NodeProto:
    from onnx import helper

    return helper.make_node("Identity", [source], [target], f"{FRONT}/pixels")


def _assemble(model: ModelProto, front: Part, head: Part) -> None:
    """Put the nodes of ``front`` before those of the network, and those of ``head`` behind."""
    from onnx import helper

    nodes = [*front.nodes, *model.graph.node, *head.nodes]
    model.graph.ClearField("node")
    model.graph.node.extend(nodes)
    model.graph.initializer.extend([*front.constants, *head.constants])
    model.ir_version = max(8, helper.find_min_ir_version_for(model.opset_import))


def _refuse_size(references: References, network: int, options: OnnxOptions, limit: float) -> None:
    projection, (n, dim) = references.projection, references.embeddings.shape
    head = 0 if projection is None else projection.components.nbytes
    if options.outputs != "features":
        head += n * (dim * (1 if options.compress else 4) + 8)
    if (size := (network + head) / 1e6) > limit:
        raise OnnxModelError(
            f"the file would take {size:,.0f} MB ({network / 1e6:,.0f} MB network, {head / 1e6:,.0f} MB projection and "
            f"references), the limit is {limit:,.0f}: use compress='int8', outputs='features', a smaller backbone or "
            "projection, or raise max_megabytes."
        )
