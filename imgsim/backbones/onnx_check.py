"""Safety check of an ONNX file from an untrusted source, before a runtime loads it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from imgsim.errors import ModelFormatError
from imgsim.io.held_file import HeldFile

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto, TensorProto

STANDARD = ("", "ai.onnx")
REPEATING = frozenset(("Loop", "Scan"))  # no image network needs them, and one such node may never end


def read_network(file: Path | HeldFile) -> tuple[Path, bytes]:
    """Read an ONNX file and check it with `check_onnx`.

    Returns
    -------
    path : Path
        For messages.
    data : bytes
        Content of the file.

    Raises
    ------
    ModelFormatError
        The file cannot be read, or is refused.
    """
    path = file.path if isinstance(file, HeldFile) else file
    try:
        data = file.read() if isinstance(file, HeldFile) else file.read_bytes()
    except OSError as error:
        raise ModelFormatError(f"{path} is not a network ONNX Runtime can load: {error}") from error
    check_onnx(path, data)
    return path, data


def check_onnx(path: Path, data: bytes) -> None:
    """Refuse the content of an ONNX file that refers to other files, uses custom operators, or has loops.

    Raises
    ------
    ModelFormatError
        The file is damaged; it keeps data in other files; it uses operators that are not
        ONNX's own, or repeats a part of itself.
    """
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load_model_from_string(data)
    except (OSError, DecodeError, ValueError, RecursionError) as error:
        raise ModelFormatError(f"{path} is not a network ONNX Runtime can load: {error}") from error
    own = {function.domain for function in model.functions}
    nodes = [*_nodes(model.graph), *(node for function in model.functions for node in _inner(function.node))]
    foreign = sorted({f"{node.domain}.{node.op_type}" for node in nodes if node.domain not in (*STANDARD, *own)})
    if foreign:
        raise ModelFormatError(f"{path} uses operators that are not ONNX's own: {', '.join(foreign[:5])}.")
    repeating = sorted(REPEATING & {node.op_type for node in nodes})
    if repeating:
        raise ModelFormatError(f"{path} repeats parts of itself ({', '.join(repeating)}), as no image network does.")
    if any(tensor.external_data or tensor.data_location for tensor in _tensors(model.graph, nodes)):
        raise ModelFormatError(f"{path} keeps its weights in other files; save the network with its weights inside.")


def _nodes(graph: GraphProto) -> Iterator[NodeProto]:
    yield from _inner(graph.node)


def _inner(nodes: Iterator[NodeProto]) -> Iterator[NodeProto]:
    """Yield nodes and, recursively, those of the graphs in their attributes."""
    for node in nodes:
        yield node
        for attribute in node.attribute:
            for graph in (attribute.g, *attribute.graphs):
                yield from _nodes(graph)


def _tensors(graph: GraphProto, nodes: list[NodeProto]) -> Iterator[TensorProto]:
    graphs = [graph, *(g for node in nodes for a in node.attribute for g in (a.g, *a.graphs))]
    for each in graphs:
        yield from each.initializer
        for sparse in each.sparse_initializer:
            yield from (sparse.values, sparse.indices)
    for node in nodes:
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                yield from (sparse.values, sparse.indices)
