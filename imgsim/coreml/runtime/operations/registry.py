"""Operations by Core ML's name, and how they read their parameters: what is not read is an error, not a guess."""

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
    """One operation being run: its parameters by name and the types declared for its results.

    ``inputs`` maps a name to a tuple of values: tensors (floats in float32, whole numbers in int64,
    bool), or strings. ``narrow`` is true where sums of this operation are to be kept in float16.
    """

    kind: str
    name: str
    inputs: Mapping[str, tuple[Any, ...]]
    outputs: tuple[ValueType, ...]
    narrow: bool = False
    _read: set[str] = field(default_factory=set)

    def has(self, parameter: str) -> bool:
        """Whether an optional parameter is given."""
        return bool(self.inputs.get(parameter))

    def values(self, parameter: str) -> tuple[Any, ...]:
        """All values of a parameter that takes a list."""
        self._read.add(parameter)
        if not self.has(parameter):
            raise self.damaged(f"the parameter {parameter!r} is missing")
        return self.inputs[parameter]

    def value(self, parameter: str) -> Any:
        """A single value: a tensor, a string, a list of strings."""
        values = self.values(parameter)
        if len(values) != 1:
            raise self.damaged(f"{parameter!r} has {len(values)} values, not one")
        return values[0]

    def tensor(self, parameter: str) -> Tensor:
        """A tensor."""
        value: Tensor = self.value(parameter)
        if not hasattr(value, "dim"):
            raise self.damaged(f"{parameter!r} is no tensor")
        return value

    def optional(self, parameter: str) -> Tensor | None:
        """A tensor that may be absent."""
        return self.tensor(parameter) if self.has(parameter) else None

    def number(self, parameter: str, default: Any = _MISSING) -> Any:
        """A scalar: float, int or bool."""
        return default if default is not _MISSING and not self.has(parameter) else self.value(parameter).item()

    def numbers(self, parameter: str, default: list[Any] | None = None) -> list[Any]:
        """A short vector as a list; without ``default`` it must be given."""
        if default is not None and not self.has(parameter):
            return default
        values: list[Any] = self.value(parameter).reshape(-1).tolist()
        return values

    def text(self, parameter: str, *allowed: str) -> str:
        """A string, which must be one of ``allowed``."""
        text = self.value(parameter)
        if not isinstance(text, str) or text not in allowed:
            raise self.unsupported(f"{parameter} = {text!r}")
        return text

    def array(self, parameter: str) -> NDArray[np.generic]:
        """A constant as it is stored: only for operations that unpack constants."""
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
        """Every parameter must have been read: one that was not would have been ignored."""
        if unread := sorted(set(self.inputs) - self._read):
            raise self.unsupported(f"the parameter {', '.join(unread)}")

    def unsupported(self, what: str) -> UnsupportedOperationError:
        """The error for something of this operation that imgsim does not compute."""
        return UnsupportedOperationError(
            self.kind, f"the operation {self.kind} ({self.name}) with {what} is not implemented: not verified."
        )

    def damaged(self, what: str) -> CoreMLError:
        """The error for an operation that contradicts itself."""
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
    """The function of an operation.

    Raises
    ------
    UnsupportedOperationError
        Nobody here knows it.
    """
    if kind not in _FUNCTIONS:
        raise UnsupportedOperationError(kind, f"the operation {kind} is not implemented: the package is not verified.")
    return _FUNCTIONS[kind]


def known_operations() -> list[str]:
    """Names of all operations, sorted."""
    return sorted(_FUNCTIONS)
