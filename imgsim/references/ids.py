"""Ids, by which results name reference images, and the selection of reference images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imgsim.errors import ArgumentError, ArgumentTypeError
from imgsim.images.table import ImageTable

if TYPE_CHECKING:
    from imgsim.references.references import References


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
    ArgumentError, ArgumentTypeError
        As `ids_of`.
    """
    array = np.asarray(values)
    if array.dtype.kind in "iu":
        array = array.astype(np.int64)
    elif not all(isinstance(value, str) for value in array.tolist()):
        if any(value is None for value in array.tolist()):
            raise ArgumentError(f"the column {name!r} has missing values; every image needs an id.")
        raise ArgumentTypeError(f"ids must be whole numbers or strings; {name!r} holds {array.dtype}.")
    elif array.dtype.kind != "U":
        array = array.astype(str)
    unique, counts = np.unique(array, return_counts=True)
    if len(unique) < len(array):
        twice = unique[counts > 1][:3].tolist()
        raise ArgumentError(f"ids must be unique; {name!r} repeats {twice}. Use another column, or none for row ids.")
    return array


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
    values = np.asarray([among] if isinstance(among, str) else among)
    if values.dtype.kind == "b":
        if values.shape != (len(references),):
            raise ArgumentError(f"among= is a mask of shape {values.shape} for {len(references)} images.")
        return values
    items = values.tolist() if values.ndim == 1 else None
    if items is None or not all(isinstance(item, (int, str)) for item in items):
        raise ArgumentTypeError("among= takes a boolean mask with one value per image, labels, or ids.")
    if items and set(items) <= set(references.images.labels):
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
