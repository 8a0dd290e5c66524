"""Implementations of Core ML operations in torch; importing this package registers all of them."""

from imgsim.coreml.runtime.operations import constants, elementwise, layers, reductions, selection, shapes
from imgsim.coreml.runtime.operations.registry import Call, find_operation, known_operations

__all__ = [
    "Call",
    "constants",
    "elementwise",
    "find_operation",
    "known_operations",
    "layers",
    "reductions",
    "selection",
    "shapes",
]
