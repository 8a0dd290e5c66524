"""Last part of the ONNX graph: projection of the feature, and distances to the references.

Distances come from one matrix product, ``|q|^2 - 2 q r + |r|^2``. Those of the nearest are computed again from
differences: the product loses their last digits, and equal vectors are at distance 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from imgsim.deployment.metadata import MEANING
from imgsim.deployment.rows import Rows, centered_rows, rounded_rows, row_steps
from imgsim.features.embeddings import Projection
from imgsim.onnx_model.graph import Part, Value
from imgsim.onnx_model.options import OnnxOptions

if TYPE_CHECKING:
    from onnx import ValueInfoProto

    from imgsim.references.references import References

ROWS, STEPS = "rows", "steps"
"""Names of the constants that hold the reference rows, and the steps of rows in 8 bits."""
NAMES = {"distance": ("distance",), "topk": ("indices", "distances"), "features": ("features",)}
"""Outputs of each kind of model."""
_EXACT = 64
"""References, beyond the k nearest, whose distances are computed from differences."""
_TINY = 1e-12


def add_head(part: Part, feature: Value, references: References, options: OnnxOptions) -> list[ValueInfoProto]:
    """Add the nodes from the feature, float32 (1, D), to the outputs, and return those."""
    n, dim = references.embeddings.shape
    vector = feature if references.projection is None else _projected(part, feature, references.projection)
    if options.outputs == "features":
        part.add("Reshape", vector, part.integers([dim]), output="features")
        return [_output("features", dim)]
    rows, center = centered_rows(references.embeddings, references.projection is not None)
    query = vector if center is None else part.add("Sub", vector, part.constant("center", center[None]))
    stored, norms = _stored(part, rows, options.compress)
    squared = _squared(part, query, stored, norms, n, dim)
    if options.outputs == "topk":
        k = min(options.k, n)
        near, exact = _nearest(part, query, stored, squared, min(n, k + _EXACT))
        found, places = part.add_many("TopK", (exact, part.integers([k])), [None, None], largest=0)
        part.add("Sqrt", found, output="distances")
        part.add("Cast", part.add("Gather", near, places), output="indices", to=part.INT32)
        return [_output("indices", k), _output("distances", k)]
    near, exact = _nearest(part, query, stored, squared, min(n, _EXACT))
    part.add("Sqrt", part.add("ScatterElements", squared, near, exact), output="distance")
    return [_output("distance", n)]


def _projected(part: Part, feature: Value, projection: Projection) -> Value:
    """Project a feature, (1, D), to an embedding of unit length, (1, d)."""
    above, below = part.add("Relu", feature), part.add("Relu", part.add("Neg", feature))
    rooted = part.add("Sub", part.add("Sqrt", above), part.add("Sqrt", below))
    mean = part.constant("mean", projection.mean.astype(np.float32)[None])
    components = part.constant("components", projection.components.astype(np.float32))
    return _unit(part, part.add("MatMul", part.add("Sub", _unit(part, rooted), mean), components))


def _unit(part: Part, vector: Value) -> Value:
    squares = part.add("ReduceSum", part.add("Mul", vector, vector), part.integers([1]))
    length = part.add("Max", part.add("Sqrt", squares), part.number(_TINY))
    return part.add("Div", vector, length)


def _stored(part: Part, rows: Rows, compress: str | None) -> tuple[Value, Value]:
    """Add the reference rows, in 8 bits if compressed, and return them and their squared lengths, (n,)."""
    if compress is None:
        stored = part.constant(ROWS, np.ascontiguousarray(rows))
    else:
        steps = row_steps(rows)
        whole = part.constant(ROWS, np.round(rows / steps).astype(np.int8))
        stored = part.add("DequantizeLinear", whole, part.constant(STEPS, steps[:, 0]), axis=0)
        rows = rounded_rows(rows)
    norms = np.einsum("nd,nd->n", rows, rows, dtype=np.float64)
    return stored, part.constant("norms", norms.astype(np.float32))


def _squared(part: Part, query: Value, rows: Value, norms: Value, n: int, dim: int) -> Value:
    """Return the squared distances of a query, (1, d), to all rows: (n,)."""
    column = part.add("Reshape", query, part.integers([dim, 1]))
    double = part.add("Mul", column, part.number(-2.0))
    products = part.add("Reshape", part.add("MatMul", rows, double), part.integers([n]))
    own = part.add("ReduceSum", part.add("Mul", query, query), part.integers([1]), keepdims=0)
    return part.add("Relu", part.add("Add", part.add("Add", products, norms), own))


def _nearest(part: Part, query: Value, rows: Value, squared: Value, count: int) -> tuple[Value, Value]:
    """Return the nearest rows in ascending order, (count,), and their squared distances from differences.

    Because rows ascend, the later choice of the nearest ranks equal distances in row order, as Python does.
    """
    size = part.integers([count])
    _, nearest = part.add_many("TopK", (squared, size), [None, None], largest=0)
    ascending, _ = part.add_many("TopK", (nearest, size), [None, None], largest=0)
    difference = part.add("Sub", part.add("Gather", rows, ascending), query)
    return ascending, part.add("ReduceSum", part.add("Mul", difference, difference), part.integers([1]), keepdims=0)


def _output(name: str, length: int) -> ValueInfoProto:
    from onnx import TensorProto, helper

    kind = TensorProto.INT32 if name == "indices" else TensorProto.FLOAT
    return helper.make_tensor_value_info(name, kind, [length], MEANING[name])
