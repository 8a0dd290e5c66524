"""Lookup of rows by a value of theirs, in 4 bytes a row: a dictionary takes a hundred."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray


class RowLookup:
    """First row of each value of a column, found by binary search.

    Parameters
    ----------
    column : callable
        Returns the values, (n,) int64, str or bytes; it is called when the first row is looked up.
    """

    def __init__(self, column: Callable[[], NDArray[Any]]) -> None:
        self._column = column

    @cached_property
    def _sorted(self) -> tuple[NDArray[Any], NDArray[np.int32]]:
        """The values, and their rows in order."""
        values = self._column()
        return values, np.argsort(values, kind="stable").astype(np.int32)

    def row(self, value: int | str | bytes) -> int | None:
        """Return the first row that holds a value, or None."""
        values, order = self._sorted
        whole_number = values.dtype.kind == "i"
        if whole_number != isinstance(value, int) or (whole_number and not -(2**63) <= int(value) < 2**63):
            return None
        if not isinstance(value, int) and np.array(value).dtype.itemsize > values.dtype.itemsize:
            return None  # longer than all; numpy would make every value as long to compare them
        at = int(np.searchsorted(values, value, sorter=order))
        if at == len(order):
            return None
        row = int(order[at])
        return row if values[row].item() == value else None
