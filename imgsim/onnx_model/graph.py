"""`Part`: nodes and constants that are added to an ONNX graph, under names of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto, TensorProto

Value = str
"""Name of a value in the graph."""


class Part:
    """Nodes and constants of one part of a graph, in order.

    Parameters
    ----------
    name : str
        In front of the names of its values, so that no other part has them.

    Attributes
    ----------
    name : str
    nodes : list of NodeProto
    constants : list of TensorProto
    """

    UINT8, INT32, INT64, DOUBLE = 2, 6, 7, 11  # onnx.TensorProto

    def __init__(self, name: str) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []
        self.name = name
        self._known: set[str] = set()

    def add(self, operator: str, *inputs: Value, output: Value | None = None, **attributes: Any) -> Value:
        """Add a node of one output, and return the name of that; ``output`` names it."""
        return self.add_many(operator, inputs, [output], **attributes)[0]

    def add_many(
        self, operator: str, inputs: tuple[Value, ...], outputs: list[Value | None], **attributes: Any
    ) -> list[Value]:
        """Add a node of several outputs, and return their names; None is named here."""
        from onnx import helper

        name = f"{self.name}/{operator}_{len(self.nodes)}"
        names = [f"{name}_{i}" if given is None else given for i, given in enumerate(outputs)]
        self.nodes.append(helper.make_node(operator, inputs, names, name, **attributes))
        return names

    def graph(self, output: Value) -> GraphProto:
        """Return this part as a branch of an ``If`` with one output, uint8."""
        from onnx import helper

        result = helper.make_tensor_value_info(output, self.UINT8, None)
        return helper.make_graph(self.nodes, self.name, [], [result], self.constants)

    def double(self, value: Value) -> Value:
        """Add a cast to float64."""
        return self.add("Cast", value, to=self.DOUBLE)

    def constant(self, name: str, values: NDArray[np.generic]) -> Value:
        """Add a constant array once, and return its name in the graph."""
        from onnx import numpy_helper

        full = f"{self.name}/{name}"
        if full not in self._known:
            self._known.add(full)
            self.constants.append(numpy_helper.from_array(values, full))
        return full

    def integers(self, values: list[int]) -> Value:
        """Add a constant of int64 values, (number of values,), and return its name."""
        return self.constant(f"integers_{'_'.join(map(str, values))}", np.array(values, np.int64))

    def whole(self, value: int) -> Value:
        """Add an int32 number, and return its name."""
        return self.constant(f"whole_{value}", np.array(value, np.int32))

    def number(self, value: float) -> Value:
        """Add a float32 number, and return its name."""
        return self.constant(f"number_{value}", np.array(value, np.float32))

    def real(self, value: float) -> Value:
        """Add a float64 number, and return its name."""
        return self.constant(f"real_{value}", np.array(value, np.float64))

    def zero_point(self, value: int) -> Value:
        """Add a uint8 number, and return its name."""
        return self.constant(f"zero_{value}", np.array(value, np.uint8))
