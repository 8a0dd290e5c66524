"""Arguments: the defaults that several places share, and checks that are the same everywhere."""

import math
import numbers
from typing import Any

from imgsim.errors import ArgumentError, ArgumentTypeError

DEFAULT_BACKBONE = "mini"
DEFAULT_DIMENSIONS = 128
"""Dimensions of an embedding, at most."""
DEFAULT_K = 10
"""Neighbours per image, of a graph and of its evaluation."""


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


def optional_radius(value: object) -> float | None:
    """Check ``radius`` of a query: None (no limit) or a distance of at least 0; infinity is no limit too.

    Raises
    ------
    ArgumentTypeError, ArgumentError
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise ArgumentTypeError(f"radius must be a number, not {value!r}.")
    radius = float(value)
    if math.isnan(radius) or radius < 0:
        raise ArgumentError(f"radius must be a distance of at least 0, not {radius}.")
    return radius


def alias(value: Any, other: Any, name: str, other_name: str) -> Any:
    """Return the one that is given of an argument and its alias; None if neither is."""
    if value is not None and other is not None:
        raise ArgumentError(f"{other_name}= is another name of {name}=; give one of them.")
    return other if value is None else value
