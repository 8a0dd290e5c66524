"""Registry of operations by Core ML's name, and `Call`, through which they read their parameters.

A parameter that an operation does not read is an error: ignoring it could change the result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imgsim.coreml.runtime.program import ValueType
from imgsim.errors import CoreMLError, UnsupportedOperationError

if TYPE_CHECKING:
    from torch import Tensor

_MISSING: Any = object()


@dataclass
class Call:
    """Call of an operation: its parameters by name, and the declared types of its results.

    ``inputs`` maps a name to a tuple of values: tensors (floats in float32, whole numbers in int64,
    bool), or strings. ``narrow`` is true if sums of this operation are rounded to float16.
    """

    kind: str
    name: str
    inputs: Mapping[str, tuple[Any, ...]]
    outputs: tuple[ValueType, ...]
    narrow: bool = False
    _read: set[str] = field(default_factory=set)

    def has(self, parameter: str) -> bool:
        """Tell if an optional parameter is given."""
        return bool(self.inputs.get(parameter))

    def values(self, parameter: str) -> tuple[Any, ...]:
        """Return all values of a parameter that takes a list."""
        self._read.add(parameter)
        if not self.has(parameter):
            raise self.damaged(f"the parameter {parameter!r} is missing")
        return self.inputs[parameter]

    def value(self, parameter: str) -> Any:
        """Return a single value: a tensor, a string or a list of strings."""
        values = self.values(parameter)
        if len(values) != 1:
            raise self.damaged(f"{parameter!r} has {len(values)} values, not one")
        return values[0]

    def tensor(self, parameter: str) -> Tensor:
        """Return a tensor."""
        value: Tensor = self.value(parameter)
        if not hasattr(value, "dim"):
            raise self.damaged(f"{parameter!r} is no tensor")
        return value

    def optional(self, parameter: str) -> Tensor | None:
        """Return a tensor, or None if the parameter is not given."""
        return self.tensor(parameter) if self.has(parameter) else None

    def number(self, parameter: str, default: Any = _MISSING) -> Any:
        """Return a scalar: float, int or bool."""
        return default if default is not _MISSING and not self.has(parameter) else self.value(parameter).item()

    def numbers(self, parameter: str, default: list[Any] | None = None) -> list[Any]:
        """Return a short vector as a list; without ``default`` it must be given."""
        if default is not None and not self.has(parameter):
            return default
        values: list[Any] = self.value(parameter).reshape(-1).tolist()
        return values

    def text(self, parameter: str, *allowed: str) -> str:
        """Return a string, which must be one of ``allowed``."""
        text = self.value(parameter)
        if not isinstance(text, str) or text not in allowed:
            raise self.unsupported(f"{parameter} = {text!r}")
        return text

    def array(self, parameter: str) -> NDArray[np.generic]:
        """Return a constant as it is stored, for operations that unpack constants."""
        value = self.value(parameter)
        if not isinstance(value, np.ndarray):
            raise self.unsupported(f"{parameter} that is not a constant")
        return value

    def require(self, parameter: str, expected: Any, default: Any = _MISSING) -> None:
        """Refuse every value of a parameter but the one that is implemented."""
        value = self.number(parameter, default)
        if value != expected:
            raise self.unsupported(f"{parameter} = {value!r}")

    def refuse_unread(self) -> None:
        """Raise UnsupportedOperationError if a parameter was not read, and so would be ignored."""
        if unread := sorted(set(self.inputs) - self._read):
            raise self.unsupported(f"the parameter {', '.join(unread)}")

    def unsupported(self, what: str) -> UnsupportedOperationError:
        """Return the error for a feature of this operation that imgsim does not compute."""
        return UnsupportedOperationError(
            self.kind, f"the operation {self.kind} ({self.name}) with {what} is not implemented: not verified."
        )

    def damaged(self, what: str) -> CoreMLError:
        """Return the error for an operation that is inconsistent."""
        return CoreMLError(f"the operation {self.kind} ({self.name}) is damaged: {what}. Export the package again.")


Function = Callable[[Call], Any]
_FUNCTIONS: dict[str, Function] = {}


def operation(*kinds: str) -> Callable[[Function], Function]:
    """Register a function as the operations of these names."""

    def register(function: Function) -> Function:
        for kind in kinds:
            _FUNCTIONS[kind] = function
        return function

    return register


def find_operation(kind: str) -> Function:
    """Return the function of an operation.

    Raises
    ------
    UnsupportedOperationError
        It is not implemented.
    """
    if kind not in _FUNCTIONS:
        raise UnsupportedOperationError(kind, f"the operation {kind} is not implemented: the package is not verified.")
    return _FUNCTIONS[kind]


def known_operations() -> list[str]:
    """Return the names of all implemented operations, sorted."""
    return sorted(_FUNCTIONS)
