"""Sorted index of the keys of a part, of which only the groups that are asked for are loaded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from imgsim.errors import ArgumentError

Digests = NDArray[np.uint64]
"""Keys, (n, 4): the 32 bytes of each sha256 as numbers that sort as the bytes do."""
Groups = Callable[[list[int]], tuple[Digests, NDArray[np.int32]]]
"""Loads groups of an index: sorted keys, and the row of each."""

BYTES = 32


class DamagedError(Exception):
    """A part holds what cannot be."""


def digests(keys: Sequence[str]) -> Digests:
    """Convert keys (hexadecimal sha256) to numbers.

    Raises
    ------
    ArgumentError
        A key is no sha256.
    """
    try:
        joined = bytes.fromhex("".join(keys))
        if len(joined) == BYTES * len(keys) and set(map(len, keys)) <= {2 * BYTES}:
            return _numbers(joined)
    except ValueError:
        pass
    wrong = next(key for key in keys if len(key) != 2 * BYTES or set(key.lower()) - set("0123456789abcdef"))
    raise ArgumentError(
        f"keys of the feature store are the sha256 of a file, 64 hexadecimal digits, not {wrong!r:.99}."
    )


def _numbers(data: Any) -> Digests:
    return np.frombuffer(data, ">u8").reshape(-1, BYTES // 8).astype(np.uint64)


def from_arrow(column: pa.ChunkedArray) -> Digests:
    """Convert a column of keys (text or 32 bytes each) to numbers.

    Raises
    ------
    DamagedError
        They are no sha256.
    """
    if pa.types.is_fixed_size_binary(column.type):
        parts = [
            np.frombuffer(chunk.buffers()[1], np.uint8)[BYTES * chunk.offset :][: BYTES * len(chunk)]
            for chunk in column.chunks
        ]
        return _numbers(np.concatenate(parts) if parts else b"")
    keys = column.to_pylist()
    try:
        return digests(keys)
    except ArgumentError as error:
        raise DamagedError(str(error)) from error


def to_arrow(keys: Digests) -> pa.FixedSizeBinaryArray:
    """Convert keys to an Arrow array of 32 bytes each."""
    data = pa.py_buffer(keys.astype(">u8").tobytes())
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(BYTES), len(keys), [None, data])


def sort(keys: Digests) -> NDArray[np.intp]:
    """Return the order that sorts keys; equal ones stay as they are."""
    return np.lexsort(keys.T[::-1])


def matches(keys: Digests, wanted: Digests) -> NDArray[np.bool_]:
    """Tell which keys are among those wanted, (len(keys),) bool."""
    joined = np.concatenate([wanted, keys])
    order = sort(joined)
    group = np.empty(len(joined), np.int64)
    group[order] = np.cumsum(_is_new(joined[order]))
    return np.isin(group[len(wanted) :], group[: len(wanted)])


def first_of_each(keys: Digests) -> NDArray[np.bool_]:
    """Tell which keys do not stand before, (len(keys),) bool."""
    order = sort(keys)
    first = np.empty(len(keys), bool)
    first[order] = _is_new(keys[order])
    return first


def _is_new(ordered: Digests) -> NDArray[np.bool_]:
    """Tell which of sorted keys differ from the one before."""
    new = np.ones(len(ordered), bool)
    new[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    return new


class Index:
    """Rows by key.

    Parameters
    ----------
    starts : (groups + 1,) int
        Position of the first key of each group, and the number of keys.
    fences : (groups,) uint64
        Least first number of the keys of each group.
    load : Groups
    """

    def __init__(self, starts: NDArray[np.int64], fences: NDArray[np.uint64], load: Groups) -> None:
        self._starts = starts
        self._fences = fences
        self._load = load
        self._loaded = np.zeros(len(fences), bool)
        self._first = np.zeros(int(starts[-1]), np.uint64)  # apart: searched in one piece
        self._rest = np.zeros((len(self._first), BYTES // 8 - 1), np.uint64)
        self._rows = np.zeros(len(self._first), np.int32)

    def rows(self, wanted: Digests) -> NDArray[np.int64]:
        """Return the row of each key, -1 for one that is not there; quickest if they are sorted."""
        found = np.full(len(wanted), -1, np.int64)
        if not len(self._fences) or not len(wanted):
            return found
        need = self._ensure(wanted[:, 0])
        if not len(need):
            return found
        if len(need) == len(self._fences):
            first, place = self._first, None
        else:
            place = np.concatenate([np.arange(self._starts[group], self._starts[group + 1]) for group in need])
            first = self._first[place]
        at = np.searchsorted(first, wanted[:, 0])
        open_ = np.flatnonzero(at < len(first))
        while len(open_):  # more than once only for different keys of equal first numbers
            here = at[open_] if place is None else place[at[open_]]
            open_, here = _kept(self._first[here] == wanted[open_, 0], open_, here)
            same = (self._rest[here] == wanted[open_, 1:]).all(axis=1)
            found[open_[same]] = self._rows[here[same]]
            open_ = open_[~same]
            at[open_] += 1
            open_ = open_[at[open_] < len(first)]
        return found

    def _ensure(self, first: NDArray[np.uint64]) -> NDArray[np.intp]:
        """Load the groups in which keys of these first numbers may be, and return them."""
        groups = len(self._fences)
        low, high = (np.searchsorted(self._fences, first, side) - 1 for side in ("left", "right"))
        steps = np.bincount(np.maximum(low, 0), None, groups + 1) - np.bincount(high + 1, None, groups + 1)
        need = np.flatnonzero(np.cumsum(steps[:groups]))
        if 2 * len(need) > groups:
            need = np.arange(groups)
        missing = need[~self._loaded[need]]
        if len(missing):
            keys, rows = self._load(missing.tolist())
            place = np.concatenate([np.arange(self._starts[group], self._starts[group + 1]) for group in missing])
            if len(keys) != len(place) or (len(rows) and not 0 <= rows.min() <= rows.max() < len(self._rows)):
                raise DamagedError("its index does not fit its rows")
            self._first[place], self._rest[place], self._rows[place] = keys[:, 0], keys[:, 1:], rows
            self._loaded[missing] = True
        return need


def _kept(mask: NDArray[np.bool_], *arrays: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    return tuple(array[mask] for array in arrays)
