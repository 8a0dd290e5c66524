"""Interpreter of saved Core ML models on any machine, without Apple's runtime.

Every operation is computed in float32 by torch and its result is rounded to the type that the program
declares, as every device does at least. A device may also round inside an operation;
``accumulate="float16"`` simulates the worst case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imgsim.coreml.runtime.dtypes import is_float
from imgsim.coreml.runtime.interface import Feature, read_feature
from imgsim.coreml.runtime.package import read_package
from imgsim.coreml.runtime.program import Constant, Operation, ValueType, Variable, read_program
from imgsim.errors import ArgumentError, CoreMLError, UnsupportedOperationError

if TYPE_CHECKING:
    from torch import Tensor

    from imgsim.coreml.runtime.operations.registry import Call, Function

Pixels = NDArray[np.uint8]


class Interpreter:
    """Saved Core ML model, loaded and ready to run.

    Parameters
    ----------
    path : str or pathlib.Path
        An ``.mlpackage`` that holds an ML Program.
    accumulate : {"float32", "float16"}
        ``"float16"`` rounds every partial sum of convolutions, matrix products and reductions whose
        result is declared float16: the worst case of an accelerator, and slow.

    Attributes
    ----------
    inputs, outputs : dict of str to Feature
        By name, in the order of the model's description.
    metadata : dict of str to str
        The author's metadata, with Core ML's own ``description``, ``version``, ``author``, ``license``.

    Raises
    ------
    CoreMLError
        The package is missing, truncated or damaged.
    UnsupportedOperationError
        It holds an operation, a type or a kind of model that imgsim does not compute.
    """

    def __init__(self, path: str | Path, accumulate: str = "float32") -> None:
        if accumulate not in ("float32", "float16"):
            raise ArgumentError(f"accumulate must be 'float32' or 'float16', not {accumulate!r}.")
        package = read_package(path)
        description = package.spec.description
        self.path = package.path
        self.metadata = package.metadata
        self.inputs = {feature.name: read_feature(feature) for feature in description.input}
        self.outputs = {feature.name: read_feature(feature) for feature in description.output}
        program = read_program(package)
        self._types = program.inputs
        if set(self.inputs) != set(self._types) or not set(self.outputs) <= set(program.outputs):
            raise CoreMLError(f"{path} is damaged: its description and its program differ. Export it again.")
        constants = _fold(program.operations)
        self._steps = [
            _Step.prepare(operation, constants, accumulate == "float16")
            for operation in program.operations
            if not _is_constant(operation)
        ]
        self._constants = {name: _tensor(constants[name]) for name in program.outputs if name in constants}
        self._free = _last_uses(self._steps, program.outputs)

    def run(self, inputs: Pixels | Mapping[str, NDArray[Any]]) -> dict[str, Any]:
        """Run the model once.

        Parameters
        ----------
        inputs : uint8 array of shape (height, width, 3), or mapping of name to array
            One RGB picture of exactly the size the model takes; or every input by name, in the
            shape that ``self.inputs`` declares.

        Returns
        -------
        dict
            For each output an array of its declared type; for a classifier the class (str or int)
            and a dictionary of class to probability.

        Raises
        ------
        ArgumentError
            An input is missing, unknown, or of another shape or type.
        CoreMLError
            The program is inconsistent.
        """
        import torch

        values: dict[str, Any] = {**self._constants, **self._bind(inputs)}
        with torch.inference_mode():
            for step, done in zip(self._steps, self._free, strict=True):
                values.update(step.run(values))
                for name in done:
                    del values[name]
        return {name: _present(values[name], feature) for name, feature in self.outputs.items()}

    def _bind(self, inputs: Pixels | Mapping[str, NDArray[Any]]) -> dict[str, Tensor]:
        """Check the inputs and convert them to the program's tensors."""
        named = dict(inputs) if isinstance(inputs, Mapping) else dict.fromkeys(self.inputs, inputs)
        if set(named) != set(self.inputs) or (len(named) > 1 and not isinstance(inputs, Mapping)):
            raise ArgumentError(f"{self.path} takes the inputs {list(self.inputs)}, given were {list(named)}.")
        bound = {}
        for name, feature in self.inputs.items():
            array = np.asarray(named[name])
            if feature.kind not in ("image", "array"):
                raise UnsupportedOperationError(feature.kind, f"the input {name!r} is neither an image nor an array.")
            if array.shape != feature.shape or (feature.kind == "image" and array.dtype != np.uint8):
                raise ArgumentError(
                    f"the input {name!r} takes {feature.dtype} {feature.shape}, not {array.dtype} {array.shape}."
                )
            bound[name] = _round(
                _tensor(_planes(array, feature) if feature.kind == "image" else array), self._types[name]
            )
        return bound


@dataclass(frozen=True)
class _Step:
    """Operation with its constants resolved; variables are looked up when it runs."""

    operation: Operation
    function: Function
    inputs: dict[str, tuple[Any, ...]]
    narrow: bool

    @classmethod
    def prepare(cls, operation: Operation, constants: dict[str, Constant], narrow: bool) -> _Step:
        from imgsim.coreml.runtime.operations import find_operation

        function = find_operation(operation.kind)
        inputs = {
            key: tuple(_tensor(value) if not isinstance(value, Variable) else value for value in values)
            for key, values in _resolve(operation, constants).items()
        }
        outputs = list(operation.outputs.values())
        return cls(operation, function, inputs, narrow and bool(outputs) and outputs[0].dtype == "fp16")

    def run(self, values: Mapping[str, Any]) -> dict[str, Any]:
        inputs = {
            key: tuple(values[item.name] if isinstance(item, Variable) else item for item in items)
            for key, items in self.inputs.items()
        }
        return _call(self.operation, self.function, inputs, self.narrow)


def _is_constant(operation: Operation) -> bool:
    return operation.kind == "const" or operation.kind.startswith("constexpr_")


def _fold(operations: tuple[Operation, ...]) -> dict[str, Constant]:
    """Return all constants by name; compressed ones (quantised, palettised, sparse) are unpacked."""
    from imgsim.coreml.runtime.operations import find_operation

    constants: dict[str, Constant] = {}
    for operation in filter(_is_constant, operations):
        inputs = _resolve(operation, constants)
        if operation.kind == "const":
            constants[operation.name] = inputs["val"][0]
        else:
            constants |= _call(operation, find_operation(operation.kind), inputs, narrow=False)
    return constants


def _resolve(operation: Operation, constants: dict[str, Constant]) -> dict[str, tuple[Any, ...]]:
    """Replace the inputs that name a constant by its value."""
    return {
        key: tuple(constants.get(item.name, item) if isinstance(item, Variable) else item for item in items)
        for key, items in operation.inputs.items()
    }


def _call(operation: Operation, function: Function, inputs: dict[str, tuple[Any, ...]], narrow: bool) -> dict[str, Any]:
    """Run an operation; its results by name are rounded to the declared types, and their shapes checked."""
    from imgsim.coreml.runtime.operations import Call

    types = tuple(operation.outputs.values())
    call = Call(operation.kind, operation.name, inputs, types, narrow)
    try:
        result = function(call)
    except (RuntimeError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise call.damaged(f"it cannot be computed: {error}") from error
    call.refuse_unread()
    results = result if isinstance(result, tuple) else (result,)
    if len(results) != len(types):
        raise call.damaged(f"it gives {len(results)} values and declares {len(types)}")
    return {
        name: _conform(value, declared, call)
        for (name, declared), value in zip(operation.outputs.items(), results, strict=True)
    }


def _conform(value: Any, declared: ValueType, call: Call) -> Any:
    if declared.dtype in ("string", "int64", "list", "dictionary") and not hasattr(value, "shape"):
        return value
    shape = tuple(value.shape)
    if len(shape) != len(declared.shape) or any(b not in (None, a) for a, b in zip(shape, declared.shape, strict=True)):
        raise call.damaged(f"its result has the shape {shape}, declared is {declared.shape}")
    if isinstance(value, np.ndarray):
        return value.astype(np.float16) if declared.dtype == "fp16" else value
    if value.is_floating_point() != is_float(declared.dtype) and call.kind != "cast":
        raise call.damaged(f"its result is of type {value.dtype}, declared is {declared.dtype}")
    return _round(value, declared)


def _round(tensor: Tensor, declared: ValueType) -> Tensor:
    """Round a tensor to values of the declared type; floats are kept in float32, whole numbers in int64."""
    if declared.dtype == "fp32":
        return tensor.float()
    if declared.dtype == "fp16":
        return tensor.half().float()
    if declared.dtype == "bool":
        return tensor.bool()
    from imgsim.coreml.runtime.dtypes import bits_of, is_signed

    bits = bits_of(declared.dtype)
    whole = tensor.long()
    if bits == 64:
        return whole
    low = -(1 << (bits - 1)) if is_signed(declared.dtype) else 0
    return (whole - low) % (1 << bits) + low


def _planes(picture: Pixels, feature: Feature) -> NDArray[np.float32]:
    """Transpose (h, w, 3) RGB to (1, 3, h, w) float32 from 0 to 255, channels in the order the model takes."""
    channels = picture[:, :, ::-1] if feature.color == "BGR" else picture
    planes: NDArray[np.float32] = np.ascontiguousarray(channels.transpose(2, 0, 1)[None], np.float32)
    return planes


def _tensor(value: Constant) -> Any:
    """Convert an array to a float32, int64 or bool tensor; strings and lists are returned as they are."""
    import torch

    if not isinstance(value, np.ndarray):
        return value
    kind = {"f": np.float32, "b": np.bool_}.get(value.dtype.kind, np.int64)
    return torch.from_numpy(np.array(value, kind, order="C"))


def _last_uses(steps: list[_Step], outputs: tuple[str, ...]) -> list[list[str]]:
    """Return for each step the names that no later step uses, to free their memory."""
    last: dict[str, int] = {}
    for index, step in enumerate(steps):
        used = (item.name for items in step.inputs.values() for item in items if isinstance(item, Variable))
        last |= dict.fromkeys((*used, *step.operation.outputs), index)
    free: list[list[str]] = [[] for _ in steps]
    for name, index in last.items():
        if name not in outputs:
            free[index].append(name)
    return free


def _present(value: Any, feature: Feature) -> Any:
    """Convert an output to the type that the model's description declares."""
    if feature.kind != "array":
        return value
    array: NDArray[Any] = value.numpy().astype(feature.dtype)
    if feature.shape and array.shape != feature.shape:
        raise CoreMLError(f"the output {feature.name!r} has the shape {array.shape}, declared is {feature.shape}.")
    return array
