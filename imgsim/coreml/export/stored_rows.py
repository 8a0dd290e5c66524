"""Comparison of all reference rows stored in a package with the model's; top-k answers would show only a few."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imgsim.coreml.runtime.package import read_package
from imgsim.coreml.runtime.program import Operation, Variable, read_program
from imgsim.deployment.rows import deviation
from imgsim.errors import CoreMLError

_FACTOR = -2.0  # the matrix product holds -2 r


def stored_rows_error(path: Path, references: NDArray[np.float32]) -> float:
    """Return the largest deviation of a stored value from -2 r, in units of the rounding that its type allows.

    ``references`` is (n, d), of `imgsim.deployment.rows.centered_rows`. Float values may be off by their
    own rounding, int8 ones by half a step of their row.

    Raises
    ------
    CoreMLError
        The package holds no such matrix.
    """
    operations = {operation.name: operation for operation in read_program(read_package(path)).operations}
    for operation in operations.values():
        if operation.kind != "linear":
            continue
        (weight,) = operation.inputs["weight"]
        if not isinstance(weight, Variable):
            continue
        stored, steps = _values(operations[weight.name], operations)
        if stored.shape == references.shape:
            return deviation(stored, steps, _FACTOR * references)
    raise CoreMLError(f"{path} holds no matrix of {references.shape} reference rows: export it again.")


def _values(
    operation: Operation, operations: dict[str, Operation]
) -> tuple[NDArray[np.generic], NDArray[np.generic] | None]:
    """Return a constant, and the quantisation steps (n, 1) of its rows if it is stored in whole numbers."""

    def given(name: str) -> NDArray[np.generic]:
        (value,) = operation.inputs[name]
        if isinstance(value, Variable):
            (value,) = operations[value.name].inputs["val"]
        return np.asarray(value)

    if operation.kind == "const":
        return given("val"), None
    if operation.kind not in ("constexpr_affine_dequantize", "constexpr_blockwise_shift_scale"):
        raise CoreMLError(f"the reference rows are stored as {operation.kind}, which imgsim does not export.")
    whole, zero = ("quantized_data", "zero_point") if operation.kind.endswith("dequantize") else ("data", "offset")
    steps = given("scale").astype(np.float64).reshape(-1, 1)
    offset = given(zero).astype(np.float64).reshape(-1, 1) if zero in operation.inputs else 0.0
    return (given(whole).astype(np.float64) - offset) * steps, steps
