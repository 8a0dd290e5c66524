"""A column of texts that stays in its Arrow table: as Python strings each would take 100 bytes more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar, overload

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Text_co = TypeVar("Text_co", bound="str | None", covariant=True)
_BLOCK = 65_536


class Texts(Sequence[Text_co]):
    """Texts, one per row; a sequence that makes Python strings when they are asked for. Equal to a list of the same.

    Parameters
    ----------
    values : pyarrow.Array or pyarrow.ChunkedArray of strings, or sequence of str
    """

    def __init__(self, values: Any) -> None:
        known = isinstance(values, (pa.Array, pa.ChunkedArray))
        self._values = values if known else pa.array(values, pa.string())

    def __len__(self) -> int:
        return len(self._values)

    @overload
    def __getitem__(self, row: int) -> Text_co: ...
    @overload
    def __getitem__(self, row: slice | NDArray[np.integer]) -> Texts[Text_co]: ...
    def __getitem__(self, row: Any) -> Any:
        """Return the text of a row, or the texts of a slice, or of an array of rows or of a mask (n,) bool."""
        if isinstance(row, np.ndarray) and row.ndim:
            return Texts(self._values.take(pa.array(self._rows(row))))
        return Texts(self._values[row]) if isinstance(row, slice) else self._values[range(len(self))[row]].as_py()

    def _rows(self, chosen: NDArray[Any]) -> NDArray[np.intp]:
        if chosen.dtype == bool:
            if chosen.shape != (len(self),):
                raise IndexError(f"a mask of shape {chosen.shape} does not choose among {len(self)} texts")
            return np.flatnonzero(chosen)
        if chosen.size and chosen.dtype.kind not in "iu":
            raise TypeError(f"rows are whole numbers, not {chosen.dtype}")
        rows = chosen.astype(np.intp)
        if rows.size and not -len(self) <= int(rows.min()) <= int(rows.max()) < len(self):
            raise IndexError(f"rows lie outside of {len(self)} texts")
        return np.where(rows < 0, rows + len(self), rows)

    def __iter__(self) -> Iterator[Text_co]:
        for start in range(0, len(self), _BLOCK):
            yield from self._values.slice(start, _BLOCK).to_pylist()

    def __contains__(self, value: object) -> bool:
        if value is None:
            return bool(self._values.null_count)
        return _is_text(value) and self._row(value) >= 0

    def index(self, value: Any, start: int = 0, stop: int | None = None) -> int:
        """Return the first row of a text, from ``start`` to ``stop``.

        Raises
        ------
        ValueError
            No row holds it.
        """
        start, stop, _ = slice(start, stop).indices(len(self))
        found = Texts[Text_co](self._values[start:stop])._row(value) if value is None or _is_text(value) else -1
        if found < 0:
            raise ValueError(f"{value!r} is not among the texts")
        return start + found

    def among(self, values: Iterable[str]) -> NDArray[np.bool_]:
        """Return for each row whether its text is one of these, (n,) bool."""
        wanted = pa.array(filter(_is_text, values), pa.string())
        found: NDArray[np.bool_] = pc.is_in(self._values, value_set=wanted).to_numpy(zero_copy_only=False)
        return found

    def _row(self, value: Any) -> int:
        return int(pc.index(self._values, pa.scalar(value, self._values.type)).as_py())

    def tolist(self) -> list[Text_co]:
        """Return a list of Python strings."""
        return list(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def __add__(self, other: Sequence[Any]) -> list[Any]:
        return [*self, *other]

    def __radd__(self, other: Sequence[Any]) -> list[Any]:
        return [*other, *self]

    def __repr__(self) -> str:
        return repr(list(self))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Return an array of objects, or of another type."""
        values: NDArray[Any] = self._values.to_numpy(zero_copy_only=False)
        return values if dtype is None else values.astype(dtype, copy=False)

    def __arrow_array__(self, type: Any = None) -> Any:
        """Return the Arrow array that this is."""
        return self._values if type is None else self._values.cast(type)


def _is_text(value: object) -> bool:
    """Return whether a column may hold a value: a string without half of a surrogate pair, which is not UTF-8."""
    try:
        return isinstance(value, str) and value.encode() is not None
    except UnicodeEncodeError:
        return False
