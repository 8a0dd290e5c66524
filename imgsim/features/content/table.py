"""Content table: values by sha256 of a file's bytes, in parts of one folder that are only added, merged and removed.

Nobody is in anybody's way: a part never changes, a merged part appears before those that it holds disappear, rows that
stand in two parts are read once, and whoever misses a part that was listed lists again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from imgsim.errors import StoreError
from imgsim.features.content.index import Digests, digests, first_of_each, matches
from imgsim.features.content.names import PartName, new_name, origins, parse
from imgsim.features.content.part import Part, PartGoneError
from imgsim.features.content.writer import write_part
from imgsim.io.atomic import DAMAGED
from imgsim.io.error_text import explain
from imgsim.io.object_store import Parts

Answer = TypeVar("Answer")
Choose = Callable[[list[PartName]], list[list[PartName]]]
"""Choice of parts of one origin to merge, in groups."""
FULL = 65_536
"""Rows of a part that is not merged any more."""
SMALL = 32_768
MANY = 8
"""So many parts of about the same size, of fewer than `SMALL` rows, are merged at the end of an extraction."""
_OPENED: dict[str, dict[tuple[str, int], Part]] = {}
"""Parts that this process has read, by folder, name and size. Their indexes take 36 bytes a row."""


class ContentTable:
    """Table of parts in one folder: sha256 of a file's bytes, and one column of values."""

    def __init__(self, parts: Parts, value: str) -> None:
        self.parts = parts
        self._value = value

    def append(self, keys: Sequence[str], values: pa.Array, formats: Sequence[str]) -> None:
        """Store values, as one new part for each format.

        Parameters
        ----------
        keys : sequence of str
        values : pyarrow.Array
        formats : sequence of str
            Format of each row's file, as in `imgsim.schema.IMAGES`; "" if it is not known.

        Raises
        ------
        StoreError
            A part cannot be written (disk full, read-only, no access).
        """
        known, numbers = origins(), digests(keys)
        kinds = np.array([kind if kind in known else "" for kind in formats], str)
        for kind in np.unique(kinds):
            rows = np.flatnonzero(kinds == kind)
            self._write(known[str(kind)], numbers[rows], [values.take(pa.array(rows))])

    def contains(self, keys: Sequence[str]) -> NDArray[np.bool_]:
        """Tell which keys are stored, (len(keys),) bool; errors as in `find`."""
        wanted = digests(keys)
        return self._retried(lambda pool: self._locate(pool, wanted)[1] >= 0)

    def read(self, keys: Sequence[str]) -> tuple[NDArray[np.bool_], list[tuple[NDArray[np.intp], pa.Array]]]:
        """Look up values by sha256, in blocks.

        Of a part only the index and the groups of rows with wanted keys are read. A damaged part is renamed with a
        warning, and what it held is not found.

        Returns
        -------
        found : (len(keys),) bool
        blocks : list of (positions, values)
            Values, and the position of each among the keys that were found.

        Raises
        ------
        StoreError
            The store cannot be listed or read at the moment, or a part is damaged and cannot be renamed.
        """
        wanted = digests(keys)
        return self._retried(lambda pool: self._read(pool, wanted))

    def find(self, keys: Sequence[str]) -> tuple[NDArray[np.bool_], pa.Array | None]:
        """Look up values as `read` does, in one array in the order of the keys found; None if there is none."""
        found, blocks = self.read(keys)
        if not blocks:
            return found, None
        order = np.argsort(np.concatenate([positions for positions, _ in blocks]))
        return found, pa.concat_arrays([values for _, values in blocks]).take(pa.array(order))

    def remove(self, keys: Collection[str]) -> int:
        """Remove rows: parts of any version that hold some are written again without them.

        Damaged parts that were set aside are removed, for nobody can tell what they hold.

        Returns
        -------
        int
            Number of rows removed.

        Raises
        ------
        StoreError
            A part cannot be read, written or removed.
        """
        wanted, removed, seen = digests(list(keys)), 0, set[str]()
        with self._locked(wait=True):
            while new := [name for name in map(parse, self.sizes()) if name and name.name not in seen]:
                for name in new:  # again, for in a bucket somebody may have merged parts meanwhile
                    seen.add(name.name)
                    with suppress(PartGoneError):  # damaged, as a warning has told, or removed by another process
                        removed += self._remove(name, wanted, seen)
            for left in [name for name in self.sizes() if name.endswith(DAMAGED)]:
                self.unlink(left)
        return removed

    def compact(self) -> int:
        """Merge all current parts of fewer than `FULL` rows.

        A killed merge leaves at most rows that stand twice. While another process merges nothing is done.

        Returns
        -------
        int
            Number of parts that were merged.

        Raises
        ------
        StoreError
            A part cannot be read, written or removed.
        """
        return self._merge_all(_unfilled)

    def tidy(self) -> int:
        """Merge parts of about the same size if there are `MANY`, and those without index; see `compact`."""
        return self._merge_all(_gathered)

    def sizes(self) -> dict[str, int]:
        """Return the bytes of all files of the folder, by name.

        Raises
        ------
        StoreError
            The folder cannot be listed.
        """
        try:
            return self.parts.sizes()
        except OSError as error:
            raise StoreError(
                f"the feature store at {self.parts.where('')} cannot be listed: {explain(error)}. Set IMGSIM_HOME or "
                "IMGSIM_STORE to a folder or URL that you can read."
            ) from error

    def unlink(self, name: str) -> None:
        """Remove a file.

        Raises
        ------
        StoreError
            It cannot be removed.
        """
        try:
            self.parts.remove(name)
        except OSError as error:
            raise StoreError(f"the stored part {self.parts.where(name)} cannot be removed: {error}.") from error

    def rows(self) -> int:
        """Count the rows of current parts; one that stands in two parts counts twice. Errors as in `find`."""
        named = [name for name in map(parse, self.sizes()) if name and name.current]
        known = [name.rows for name in named if name.rows is not None]
        if len(known) == len(named):
            return sum(known)
        return self._retried(lambda pool: sum(map(len, self._open_current(pool))))

    def _write(self, origin: str, keys: Digests, values: Iterator[pa.Array] | list[pa.Array]) -> str:
        name = new_name(origin, len(keys))
        try:
            with self.parts.write(name) as path:
                write_part(path, keys, self._value, values)
        except OSError as error:
            raise StoreError(
                f"cannot write to the feature store at {self.parts.where(name)}: {error}. Free space there, or set "
                "IMGSIM_HOME or IMGSIM_STORE to another place, and run again: what is stored already is kept."
            ) from error
        return name

    def _remove(self, name: PartName, wanted: Digests, seen: set[str]) -> int:
        part = Part(self.parts, name, self.sizes().get(name.name, 0), self._value)
        rows = part.rows(wanted)
        if not (rows >= 0).any():
            return 0
        keys = part.keys()
        gone = matches(keys, wanted)
        if not gone.all():
            kept = np.flatnonzero(~gone)
            seen.add(self._write(name.origin, keys[kept], (values for _, values in part.values(kept))))
        self.unlink(name.name)
        return int(gone.sum())

    def _merge_all(self, choose: Choose) -> int:
        if not self._chosen(choose):
            return 0
        with self._locked(wait=False) as mine:
            return self._retried(lambda pool: self._merge_chosen(choose, pool)) if mine else 0

    def _chosen(self, choose: Choose) -> list[list[PartName]]:
        """Return the parts to merge, oldest first; those of one list have one origin."""
        named = sorted((name for name in map(parse, self.sizes()) if name and name.current), key=lambda name: name.age)
        by_origin = [[name for name in named if name.origin == one] for one in sorted({name.origin for name in named})]
        chosen = [names for some in by_origin for names in choose(some)]
        return [names for names in chosen if len(names) > 1 or any(name.rows is None for name in names)]

    def _merge_chosen(self, choose: Choose, pool: ThreadPoolExecutor) -> int:
        opened = {part.name: part for part in self._open_current(pool)}
        merged = 0
        for names in self._chosen(choose):
            batch: list[Part] = []
            rows = 0
            for part in [opened[name] for name in names if name in opened]:  # others were added meanwhile
                batch.append(part)
                rows += len(part)
                if rows >= FULL:
                    merged += self._merge(batch)
                    batch, rows = [], 0
            merged += self._merge(batch)
        return merged

    def _merge(self, parts: list[Part]) -> int:
        """Write one part instead of some; nothing is removed unless all of them were there to the end."""
        names = [part.name for part in parts]
        if len(names) < 2 and all(name.rows is not None for name in names):
            return 0
        keys = [part.keys() for part in parts]
        kept = np.split(first_of_each(np.concatenate(keys)), np.cumsum([len(some) for some in keys])[:-1])
        rows = [np.flatnonzero(mask) for mask in kept]
        values = (block for part, some in zip(parts, rows, strict=True) for _, block in part.values(some))
        new = self._write(names[0].origin, np.concatenate(keys)[np.concatenate(kept)], values)
        if not {name.name for name in names} <= set(self.sizes()):
            self.unlink(new)  # somebody merges the same parts, or forgets what is in them
            return 0
        for name in names:
            self.unlink(name.name)
        return len(names)

    def _retried(self, ask: Callable[[ThreadPoolExecutor], Answer]) -> Answer:
        """Ask again without a part that is gone, until all that are listed can be read."""
        with ThreadPoolExecutor(self.parts.threads) as pool:
            while True:
                try:
                    return ask(pool)
                except PartGoneError:
                    continue

    def _read(
        self, pool: ThreadPoolExecutor, wanted: Digests
    ) -> tuple[NDArray[np.bool_], list[tuple[NDArray[np.intp], pa.Array]]]:
        parts, part_of, row_of = self._locate(pool, wanted)
        found = part_of >= 0
        part_of, row_of = part_of[found], row_of[found]

        def blocks(number: int) -> list[tuple[NDArray[np.intp], pa.Array]]:
            positions = np.flatnonzero(part_of == number)
            positions = positions[np.argsort(row_of[positions], kind="stable")]
            rows, first = np.unique(row_of[positions], return_index=True)
            ends = [*first[1:].tolist(), len(positions)]
            done = []
            for here, values in parts[number].values(rows):
                some = positions[int(first[here.start]) : ends[here.stop - 1]]
                twice = len(some) > len(values)  # keys that were asked for more than once
                place = np.searchsorted(rows[here], row_of[some])
                done.append((some, values.take(pa.array(place)) if twice else values))
            return done

        gathered = [block for some in pool.map(blocks, np.unique(part_of).tolist()) for block in some]
        if len(kinds := {str(values.type) for _, values in gathered}) > 1:
            raise StoreError(
                f"the stored parts at {self.parts.where('')} hold values of several types ({' and '.join(kinds)}). "
                "Delete this folder: what it held is computed again."
            )
        return found, gathered

    def _locate(
        self, pool: ThreadPoolExecutor, wanted: Digests
    ) -> tuple[list[Part], NDArray[np.int64], NDArray[np.int64]]:
        """Return the current parts, and for each key the number of its part (-1: not stored) and its row there."""
        parts = self._open_current(pool)
        order = np.argsort(wanted[:, 0], kind="stable")
        part_of, row_of = np.full((2, len(wanted)), -1, np.int64)
        for number, rows in enumerate(pool.map(lambda part: part.rows(wanted[order]), parts)):
            new = (rows >= 0) & (part_of[order] < 0)
            part_of[order[new]], row_of[order[new]] = number, rows[new]
        return parts, part_of, row_of

    def _open_current(self, pool: ThreadPoolExecutor) -> list[Part]:
        sizes = self.sizes()
        names = sorted((name for name in map(parse, sizes) if name and name.current), key=lambda name: name.age)
        parts = list(pool.map(lambda name: self._open(name, sizes[name.name]), names))
        _OPENED[self.parts.where("")] = {(part.name.name, sizes[part.name.name]): part for part in parts}
        return parts

    def _open(self, name: PartName, size: int) -> Part:
        known = _OPENED.get(self.parts.where(""), {}).get((name.name, size))
        return known or Part(self.parts, name, size, self._value)

    @contextmanager
    def _locked(self, wait: bool) -> Iterator[bool]:
        try:
            with self.parts.locked(wait) as mine:
                yield mine
        except OSError as error:
            raise StoreError(
                f"the feature store at {self.parts.where('')} cannot be written: {explain(error)}."
            ) from error


def _unfilled(names: list[PartName]) -> list[list[PartName]]:
    """Group all parts that are not full."""
    return [[name for name in names if name.rows is None or name.rows < FULL]]


def _gathered(names: list[PartName]) -> list[list[PartName]]:
    """Group parts that are worth merging: so each row is written again a few times, however many parts are added."""
    tiers: dict[int, list[PartName]] = {}
    for name in names:
        if name.rows is None or name.rows < SMALL:
            tiers.setdefault(-1 if name.rows is None else (name.rows.bit_length() - 1) // 3, []).append(name)
    return [tier for size, tier in sorted(tiers.items()) if size < 0 or len(tier) >= MANY]
