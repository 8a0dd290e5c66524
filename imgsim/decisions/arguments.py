"""Arguments of decisions: pictures by the sha256 of their bytes, labels, tags, and who decided."""

from __future__ import annotations

import getpass
import os
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from imgsim.errors import ArgumentError, ArgumentTypeError

SEPARATOR = ";"
"""Separates the tags of a picture in a CSV file, so that no tag may hold it."""
LONGEST_TAG = 200
"""Characters of a tag; it is part of an index, which PostgreSQL limits to some 2,700 bytes."""
_SHA256 = re.compile(r"[0-9a-f]{64}")


def is_sha256(value: object) -> bool:
    """Tell whether a value is a sha256 as 64 hexadecimal characters, in lower or upper case."""
    return isinstance(value, str) and _SHA256.fullmatch(value.lower()) is not None


def pictures(values: str | Iterable[str], name: str = "sha256s") -> list[str]:
    """Return the sha256 of one or several pictures as a list, each once.

    Raises
    ------
    ArgumentTypeError, ArgumentError
        No text, no sha256, or none at all.
    """
    found = list(dict.fromkeys(_sha256(value, name) for value in _listed(values, name)))
    if not found:
        raise ArgumentError(f"{name} holds no picture: nothing was decided.")
    return found


def pairs(lefts: str | Iterable[str], rights: str | Iterable[str]) -> list[tuple[str, str]]:
    """Return pairs of pictures in order, each once.

    Raises
    ------
    ArgumentTypeError, ArgumentError
        As `pictures`; numbers of both differ; a picture is paired with itself.
    """
    left = [_sha256(value, "lefts") for value in _listed(lefts, "lefts")]
    right = [_sha256(value, "rights") for value in _listed(rights, "rights")]
    if len(left) != len(right):
        raise ArgumentError(f"{len(left)} pictures on the left and {len(right)} on the right make no pairs.")
    for one, other in zip(left, right, strict=True):
        if one == other:
            raise ArgumentError(f"{one[:12]}... is paired with itself: files of the same bytes are one picture.")
    found = list(dict.fromkeys(ordered(one, other) for one, other in zip(left, right, strict=True)))
    if not found:
        raise ArgumentError("there are no pairs: nothing was decided.")
    return found


def ordered(one: str, other: str) -> tuple[str, str]:
    """Return a pair of pictures in the order in which it is stored."""
    return (one, other) if one < other else (other, one)


def text(value: Any, name: str) -> str:
    """Return a label, a tag or a name that databases and CSV files can hold.

    Raises
    ------
    ArgumentTypeError, ArgumentError
        No text; empty; or with a character that is no text.
    """
    if not isinstance(value, str):
        raise ArgumentTypeError(f"{name} must be text, not {value!r:.80}.")
    if not value.strip():
        raise ArgumentError(f"{name} must not be empty.")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ArgumentError(f"{name} holds a character that is no text: {value!r:.80}.") from None
    if "\0" in value:
        raise ArgumentError(f"{name} must not hold a null character: {value!r:.80}.")
    return value


def tag(value: Any) -> str:
    """Return a tag: `text` of limited length without the separator of CSV files.

    Raises
    ------
    ArgumentTypeError, ArgumentError
    """
    found = text(value, "tag").strip()
    if len(found) > LONGEST_TAG:
        raise ArgumentError(f"a tag has at most {LONGEST_TAG} characters, not {len(found)}: {found!r:.80}.")
    if SEPARATOR in found:
        raise ArgumentError(f"a tag must not hold {SEPARATOR!r}, which separates tags: {found!r:.80}.")
    return found


def optional_text(value: Any, name: str) -> str | None:
    """Return None, or `text`.

    Raises
    ------
    ArgumentTypeError, ArgumentError
    """
    return None if value is None else text(value, name)


def person(by: str | None) -> str:
    """Return who decides; by default the login name."""
    if by is not None:
        return text(by, "by")
    with suppress(KeyError, OSError, ImportError):  # no login name, as in some containers
        return getpass.getuser()
    return str(os.getuid()) if hasattr(os, "getuid") else "unknown"


def _listed(values: str | Iterable[str], name: str) -> Sequence[Any]:
    if isinstance(values, str):
        return [values]
    try:
        return list(values)
    except TypeError:
        raise ArgumentTypeError(f"{name} must be a sha256 or several, not {type(values).__name__}.") from None


def _sha256(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise ArgumentTypeError(f"{name} must hold sha256 as text, not {type(value).__name__}.")
    if not is_sha256(value):
        why = "a picture without a file has none" if not value else "images.sha256 has those of a table of images"
        raise ArgumentError(f"{value!r:.80} in {name} is no sha256 of 64 hexadecimal characters; {why}.")
    return value.lower()
