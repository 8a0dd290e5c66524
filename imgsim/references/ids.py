"""Ids, by which results name reference images, and the selection of reference images."""

from __future__ import annotations

import numbers
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imgsim.errors import ArgumentError, ArgumentTypeError, QueryError
from imgsim.images.file_names import is_utf8
from imgsim.images.table import ImageTable

if TYPE_CHECKING:
    from imgsim.references.references import References

MAX_ID_CHARACTERS = 2**28
"""Of all ids together, each padded to the longest as in numpy."""


def ids_of(images: ImageTable, column: str | None) -> NDArray[Any]:
    """Return the ids of images, (n,) int64 or str: unique values of a column of the table; None for its ``id``.

    Raises
    ------
    ArgumentError
        No such column, missing or repeated values.
    ArgumentTypeError
        Values that are neither whole numbers nor strings.
    """
    return unique_ids(images.ids if column is None else images.column(column), "id" if column is None else column)


def unique_ids(values: Any, name: str) -> NDArray[Any]:
    """Return values as an array (n,) of int64 or str.

    Raises
    ------
    ArgumentError
        Missing or repeated values, whole numbers of more than 64 bits, or texts that are too long or not Unicode.
    ArgumentTypeError
        Values that are neither whole numbers nor strings, or no list of them.
    """
    items = values.tolist() if hasattr(values, "tolist") else list(values) if _is_sequence(values) else None
    if not isinstance(items, list):
        raise ArgumentTypeError(f"{name} must be a sequence of ids, one per image, not {type(values).__name__}.")
    array = np.asarray(items, np.int64) if _are_integers(items, name) else _texts(items, name)
    unique, counts = np.unique(array, return_counts=True)
    if len(unique) < len(array):
        twice = unique[counts > 1][:3].tolist()
        raise ArgumentError(f"ids must be unique; {name!r} repeats {twice}. Use another column, or none for row ids.")
    return array


def _is_sequence(values: Any) -> bool:
    return isinstance(values, (list, tuple, range))


def _are_integers(items: list[Any], name: str) -> bool:
    """Return whether all are whole numbers; refuse those of more than 64 bits."""
    kinds = {type(item) for item in items}
    if bool in kinds or not all(issubclass(kind, numbers.Integral) for kind in kinds):
        return False
    if items and not (min(items) >= -(2**63) and max(items) < 2**63):
        raise ArgumentError(f"ids must be whole numbers of at most 64 bits; {name!r} holds larger ones.")
    return True


def _texts(items: list[Any], name: str) -> NDArray[np.str_]:
    if any(item is None for item in items):
        raise ArgumentError(f"the column {name!r} has missing values; every image needs an id.")
    other = next((item for item in items if not isinstance(item, str)), None)
    if other is not None:
        raise ArgumentTypeError(f"ids must be whole numbers or strings; {name!r} holds {type(other).__name__}.")
    longest = max(map(len, items))
    if longest * len(items) > MAX_ID_CHARACTERS:
        raise ArgumentError(
            f"{name!r} is too long for ids: {len(items):,} texts of up to {longest:,} characters, and the product must "
            f"be at most {MAX_ID_CHARACTERS:,}. Use another column, or none for row ids."
        )
    odd = next((item for item in items if not is_utf8(item) or item.endswith("\0")), None)
    if odd is not None:
        raise ArgumentError(f"ids must be Unicode text that does not end with a null character, not {odd!r:.80}.")
    return np.asarray(items, str)


def named_id(references: References, name: str) -> Any:
    """Return the id of a reference image that a person names by its id or by its path.

    Raises
    ------
    QueryError
        No image is called so.
    """
    numbered = references.ids.dtype.kind == "i"
    value = int(name) if numbered and re.fullmatch(r"[0-9]{1,18}", name) else name
    if isinstance(value, str) != numbered and references.has_id(value):
        return value
    paths = references.images.paths
    if name in paths:
        return references.ids[paths.index(name)]
    known = "whole numbers" if numbered else "texts"
    raise QueryError(
        f"no reference image has the id or the path {name!r}; ids are {known}, such as {references.ids[0]}, "
        f"and paths are such as {paths[0]!r}."
    )


def mask_of(references: References, among: Any) -> NDArray[np.bool_] | None:
    """Return the rows that ``among`` selects, (n,) bool; None for all.

    Parameters
    ----------
    references : References
    among : None, (n,) bool array, str, or sequence of labels or ids
        Strings are labels where every one of them is a label of these images, else ids. Whole numbers are ids.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        A mask of another length, a value that is neither a label nor an id, or values of no known type.
    """
    if among is None:
        return None
    try:
        values = np.asarray([among] if isinstance(among, str) else among)
    except ValueError:
        values = np.array(None)
    if values.dtype.kind == "b":
        if values.shape != (len(references),):
            raise ArgumentError(f"among= is a mask of shape {values.shape} for {len(references)} images.")
        return values
    items = values.tolist() if values.ndim == 1 else None
    if items is None or not all(isinstance(item, (int, str)) for item in items):
        raise ArgumentTypeError("among= takes a boolean mask with one value per image, labels, or ids.")
    if items and all(item in references.images.labels for item in items):
        return references.has_labels(items)
    mask = np.zeros(len(references), bool)
    mask[_rows_of(references, items)] = True
    return mask


def _rows_of(references: References, items: Sequence[Any]) -> NDArray[np.int64]:
    try:
        return references.rows_of_ids(items)
    except ArgumentError as error:
        unknown = next(item for item in items if not references.has_id(item))
        raise ArgumentError(f"among= names {unknown!r}, which is neither a label nor an id of these images.") from error
