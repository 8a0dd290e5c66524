"""Arguments: the defaults that several places share, and checks that are the same everywhere."""

import math
import numbers
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any, TypeVar

from imgsim.errors import ArgumentError, ArgumentTypeError

Kind = TypeVar("Kind")
DEFAULT_BACKBONE = "auto"
"""The best network that is installed; see `imgsim.backbones.default`."""
DEFAULT_DIMENSIONS = 128
"""Dimensions of an embedding, at most."""
FEWEST_DIMENSIONS = 2
"""In one dimension vectors of length 1 are only 1 and -1."""
DEFAULT_K = 10
"""Neighbours per image, of a graph and of its evaluation."""
DEFAULT_KEEP = 5
"""Newest versions of a registered model that stay when it is pruned."""


def positive_int(value: object, name: str) -> int:
    """Return ``value`` as int if it is a whole number of at least 1; bools and floats are refused.

    Raises
    ------
    ArgumentTypeError, ArgumentError
        No whole number, or below 1.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise ArgumentTypeError(f"{name} must be a whole number, not {value!r}.")
    if value < 1:
        raise ArgumentError(f"{name} must be at least 1, not {value}.")
    return int(value)


def optional_workers(value: object) -> None:
    """Refuse ``workers`` without a method ``map``; None is this process.

    Raises
    ------
    ArgumentTypeError
    """
    if value is not None and not callable(getattr(value, "map", None)):
        kind = value if isinstance(value, str) else "processes"
        raise ArgumentTypeError(
            f"workers must have a method map, not {value!r}: pass imgsim.workers.get_workers({kind!r})."
        )


def optional_k(value: object) -> int | None:
    """Check ``k`` of a query: None (no limit) or a whole number of at least 1.

    Raises
    ------
    ArgumentTypeError, ArgumentError
    """
    return None if value is None else positive_int(value, "k")


def optional_radius(value: object, name: str = "radius") -> float | None:
    """Check a largest distance: None (no limit) or a number of at least 0; infinity is no limit too.

    Raises
    ------
    ArgumentTypeError, ArgumentError
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise ArgumentTypeError(f"{name} must be a number, not {value!r}.")
    try:
        radius = float(value)
    except OverflowError:  # a whole number beyond all floats
        radius = math.copysign(math.inf, value)
    if math.isnan(radius) or radius < 0:
        raise ArgumentError(f"{name} must be a distance of at least 0, not {radius}.")
    return radius


def alias(value: Any, other: Any, name: str, other_name: str) -> Any:
    """Return the one that is given of an argument and its alias; None if neither is."""
    if value is not None and other is not None:
        raise ArgumentError(f"{other_name}= is another name of {name}=; give one of them.")
    return other if value is None else value


def path(value: Any, name: str = "path") -> Path:
    """Return a path of this machine or a URL as `pathlib.Path`; nothing is looked up.

    Raises
    ------
    ArgumentTypeError, ArgumentError
        No text or path, or one with a null character.
    """
    text = os.fspath(value) if isinstance(value, (str, os.PathLike)) else None
    if not isinstance(text, str):
        raise ArgumentTypeError(f"{name} must be a path, not {type(value).__name__}.")
    if "\0" in text:
        raise ArgumentError(f"{name} must not hold a null character: {text!r:.80}.")
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        raise ArgumentError(f"{name} holds a character that no file name can have: {text!r:.80}.") from None
    return Path(text)


def boolean(value: Any, name: str) -> bool:
    """Return ``value`` as bool if it is True or False.

    Raises
    ------
    ArgumentTypeError
    """
    if not isinstance(value, bool):
        raise ArgumentTypeError(f"{name} must be True or False, not {value!r:.80}.")
    return value


def labels(values: Any, name: str) -> list[str]:
    """Return a list or set of labels as a list.

    Raises
    ------
    ArgumentTypeError
        No collection, or a value that is no text.
    """
    if not isinstance(values, (list, tuple, set, frozenset)) or not all(isinstance(value, str) for value in values):
        raise ArgumentTypeError(f"{name} must be a list of labels, not {values!r:.80}.")
    return list(values)


def one_of(value: Any, choices: Collection[str], name: str) -> str:
    """Return ``value`` if it is one of the choices.

    Raises
    ------
    ArgumentTypeError, ArgumentError
    """
    if not isinstance(value, str):
        raise ArgumentTypeError(f"{name} must be one of {', '.join(choices)}, not {type(value).__name__}.")
    if value not in choices:
        raise ArgumentError(f"{name} must be one of {', '.join(choices)}, not {value!r:.80}.")
    return value


def seed(value: Any, name: str = "seed") -> int:
    """Return ``value`` as int if it is a whole number of at least 0 and below 2^63.

    Raises
    ------
    ArgumentTypeError, ArgumentError
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise ArgumentTypeError(f"{name} must be a whole number, not {type(value).__name__}.")
    number = int(value)
    if not 0 <= number < 2**63:
        raise ArgumentError(f"{name} must be at least 0 and below 2^63, not {number}.")
    return number


def instance(value: Any, kind: type[Kind], name: str) -> Kind:
    """Return ``value`` if it is of a class.

    Raises
    ------
    ArgumentTypeError
    """
    if not isinstance(value, kind):
        raise ArgumentTypeError(f"{name} must be of type {kind.__name__}, not {type(value).__name__}.")
    return value
