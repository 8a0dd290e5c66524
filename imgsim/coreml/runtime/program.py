"""ML Program as Python objects: operations in order, with types and constants read from the package."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from imgsim.coreml.runtime.dtypes import DTYPES, UNREAD_DTYPES, from_bytes
from imgsim.coreml.runtime.package import Package
from imgsim.errors import CoreMLError, UnsupportedOperationError

OPSETS = ("CoreML5", "CoreML6", "CoreML7", "CoreML8", "CoreML9")
Constant: TypeAlias = "NDArray[np.generic] | str | list[str] | list[int]"


@dataclass(frozen=True)
class ValueType:
    """Declared type of a value.

    ``dtype`` is a name of `imgsim.coreml.runtime.dtypes`, ``"list"`` or ``"dictionary"``. None in ``shape`` is any
    size.
    """

    dtype: str
    shape: tuple[int | None, ...] = ()


@dataclass(frozen=True)
class Variable:
    """Reference to an earlier operation's output, or to an input of the program."""

    name: str


@dataclass(frozen=True)
class Operation:
    """Operation of a program; each input is a tuple of values, of one value unless the operation takes a list."""

    kind: str
    name: str
    inputs: dict[str, tuple[Variable | Constant, ...]]
    outputs: dict[str, ValueType]


@dataclass(frozen=True)
class Program:
    """Function of an ML Program: inputs and outputs by name, and operations in the order in which they run."""

    inputs: dict[str, ValueType]
    outputs: tuple[str, ...]
    operations: tuple[Operation, ...]


def read_program(package: Package) -> Program:
    """Read the ``main`` function of a package's ML Program.

    Raises
    ------
    CoreMLError
        The program or its weights are damaged.
    UnsupportedOperationError
        The package holds another kind of model, an unknown set of operations or an unknown type.
    """
    if not package.spec.HasField("mlProgram"):
        raise UnsupportedOperationError(
            "model type", f"{package.path} holds no ML Program; imgsim runs .mlpackage files of ML Programs only."
        )
    functions = package.spec.mlProgram.functions
    if set(functions) != {"main"}:
        raise UnsupportedOperationError(
            "function", f"{package.path} has the functions {sorted(functions)}; imgsim runs a single one, 'main'."
        )
    function = functions["main"]
    if function.opset not in OPSETS or function.opset not in function.block_specializations:
        raise UnsupportedOperationError(
            f"opset {function.opset}", f"{package.path} uses the operations of {function.opset!r}; known: {OPSETS}."
        )
    block = function.block_specializations[function.opset]
    program = Program(
        {item.name: _type(item.type) for item in function.inputs},
        tuple(block.outputs),
        tuple(_operation(message, package) for message in block.operations),
    )
    _check_names(program, package)
    return program


def _check_names(program: Program, package: Package) -> None:
    """Raise CoreMLError unless every name is defined once, before it is used."""
    known = set(program.inputs)
    for operation in program.operations:
        used = {item.name for items in operation.inputs.values() for item in items if isinstance(item, Variable)}
        wrong = (used - known) | (known & set(operation.outputs))
        if wrong or (operation.kind == "const" and len(operation.inputs.get("val", ())) != 1):
            raise CoreMLError(f"{package.path} is damaged at {operation.kind} ({operation.name}). Export it again.")
        known |= set(operation.outputs)
    if missing := set(program.outputs) - known:
        raise CoreMLError(f"{package.path} is damaged: nothing computes {sorted(missing)}. Export it again.")


def _operation(message: Any, package: Package) -> Operation:
    if len(message.blocks):
        raise UnsupportedOperationError(message.type, f"{package.path}: {message.type} holds blocks of operations.")
    name = message.outputs[0].name if len(message.outputs) else message.type
    attributes = {key: (_constant(value, package),) for key, value in message.attributes.items()}
    attributes.pop("name", None)
    inputs = {key: tuple(_binding(b, package) for b in given.arguments) for key, given in message.inputs.items()}
    outputs = {output.name: _type(output.type) for output in message.outputs}
    return Operation(message.type, name, attributes | inputs, outputs)


def _binding(message: Any, package: Package) -> Variable | Constant:
    return _constant(message.value, package) if message.HasField("value") else Variable(message.name)


def _type(message: Any) -> ValueType:
    if message.HasField("tensorType"):
        tensor = message.tensorType
        shape = tuple(int(d.constant.size) if d.HasField("constant") else None for d in tensor.dimensions)
        return ValueType(_dtype(tensor.dataType), shape)
    for field, name in (("listType", "list"), ("dictionaryType", "dictionary")):
        if message.HasField(field):
            return ValueType(name)
    raise UnsupportedOperationError("value type", "the program declares a value that is no tensor, list or dictionary.")


def _dtype(code: int) -> str:
    if code not in DTYPES:
        name = UNREAD_DTYPES.get(code, f"number {code}")
        raise UnsupportedOperationError(name, f"the program declares the type {name}, which imgsim does not compute.")
    return DTYPES[code]


def _constant(message: Any, package: Package) -> Constant:
    if message.type.HasField("listType"):
        items = [_constant(item, package) for item in message.immediateValue.list.values]
        if all(isinstance(item, str) for item in items):
            return [str(item) for item in items]
        return [int(item.item()) for item in items if isinstance(item, np.ndarray)]
    if not message.type.HasField("tensorType"):
        return str(message.type)
    declared = _type(message.type)
    shape = tuple(size for size in declared.shape if size is not None)
    if len(shape) != len(declared.shape):
        raise CoreMLError(f"{package.path} is damaged: a constant has no fixed shape. Export it again.")
    if message.HasField("blobFileValue"):
        blob = message.blobFileValue
        return package.weights(blob.fileName, blob.offset, declared.dtype, shape)
    return _immediate(message.immediateValue.tensor, declared.dtype, shape, package)


def _immediate(message: Any, dtype: str, shape: tuple[int, ...], package: Package) -> Constant:
    """Read a constant that is stored in the specification itself, in a list that depends on its type."""
    fields = [field.name for field, _ in message.ListFields()]
    try:
        if fields == ["bytes"]:
            return from_bytes(message.bytes.values, dtype, shape)
        values = list(getattr(message, fields[0]).values) if fields else []
        if len(values) != math.prod(shape):
            raise ValueError(f"{len(values)} values for the shape {shape}")
        if dtype != "string":
            return np.array(values, _IMMEDIATE[dtype]).reshape(shape)
    except (ValueError, KeyError, OverflowError) as error:
        raise CoreMLError(f"{package.path} is damaged: a constant of {dtype}: {error}. Export it again.") from error
    return str(values[0]) if not shape else [str(value) for value in values]


_IMMEDIATE = {
    "bool": np.bool_,
    "fp32": np.float32,
    "int32": np.int32,
    "int64": np.int64,
    "uint16": np.uint16,
    "uint32": np.uint32,
    "uint64": np.uint64,
    "int16": np.int16,
    "int8": np.int8,
    "uint8": np.uint8,
}
