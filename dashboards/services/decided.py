"""Decisions of people about the images of an open version: by content in the store, by row on the pages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from dashboards.services.models.cache import Cache, per_model
from dashboards.services.models.loaded_model import Loaded
from imgsim.decisions import Decisions, Kind, open_decisions
from imgsim.decisions.kinds import ALIKE
from imgsim.errors import ImgsimError

Copy = Literal["keep", "spare"]


@dataclass(frozen=True)
class Decided:
    """All that is decided about the pictures of a version, by its rows.

    Parameters
    ----------
    action : int
        Number of the newest action that it knows.
    labels : (n,) object
        Decided label, None where there is none.
    tagged : dict of str to list of int
        Rows of each tag, in the order in which they got it; the tags are sorted.
    copies : dict of int to str
        ``"keep"`` or ``"spare"``.
    reviewed : set of int
    alike : dict of (int, int) to bool
        Marked pairs of rows, the smaller first.
    not_duplicates : set of (int, int)
        Pairs of rows that are no copies of each other, the smaller first.
    """

    action: int
    labels: NDArray[np.object_]
    tagged: dict[str, list[int]]
    copies: dict[int, Copy]
    reviewed: set[int]
    alike: dict[tuple[int, int], bool]
    not_duplicates: set[tuple[int, int]]

    @cached_property
    def tags(self) -> dict[int, tuple[str, ...]]:
        """Sorted tags of the rows that have any."""
        found: dict[int, tuple[str, ...]] = defaultdict(tuple)
        for tag, rows in self.tagged.items():
            for row in rows:
                found[row] += (tag,)
        return dict(found)


_STORES: Cache[Decisions] = Cache(4)


def store() -> Decisions:
    """Return the store of decisions of this server: `imgsim.decisions.open_decisions`, opened once for all sessions."""
    found = open_decisions()
    return _STORES.get(found.url, lambda: found)


def decided(loaded: Loaded) -> Decided:
    """Return what is decided about a version's pictures now; the store is read again after each action of anybody.

    Files with the same bytes share what is decided about them.

    Raises
    ------
    DecisionsError
        The store cannot be used.
    """
    decisions = store()
    return _read(loaded, decisions.url, decisions.last_action)


def names(loaded: Loaded) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the labels, the model's and decided ones, and the tags of a version's pictures, sorted.

    Names that cannot be shown as they are, such as those with control characters, are left out.

    Raises
    ------
    DecisionsError
        The store cannot be used.
    """
    return _names(loaded, store().url, decided(loaded).action)


def known(loaded: Loaded) -> Decided:
    """Return what `decided` does; nothing, where the store cannot be used: for what only narrows or adorns a page."""
    try:
        return decided(loaded)
    except ImgsimError:
        return Decided(0, np.full(len(loaded), None, object), {}, {}, set(), {}, set())


def stamp() -> str:
    """Name the present state of the store: another one after each action of anybody, for keys of caches."""
    try:
        decisions = store()
        return f"{decisions.url} {decisions.last_action}"
    except ImgsimError:
        return ""


@per_model(most=1)
def rows_of(loaded: Loaded) -> dict[str, list[int]]:
    """Return the rows of each content, by its sha256; an image without bytes has none."""
    found: dict[str, list[int]] = defaultdict(list)
    for row, sha256 in enumerate(loaded.model.images.sha256):
        if sha256:
            found[sha256].append(row)
    return dict(found)


@per_model(most=1)
def _read(loaded: Loaded, url: str, action: int) -> Decided:
    decisions, rows = store(), rows_of(loaded)
    labels = np.full(len(loaded), None, object)
    for sha256, label in decisions.labels().items():
        labels[rows.get(sha256, [])] = label
    return Decided(
        action,
        labels,
        tagged={
            tag: here
            for tag, pictures in decisions.tagged().items()
            if (here := [row for sha256 in pictures for row in rows.get(sha256, ())])
        },
        copies={row: cast(Copy, one.value) for one in decisions.current(Kind.COPY) for row in rows.get(one.sha256, ())},
        reviewed={row for sha256 in decisions.reviewed() for row in rows.get(sha256, ())},
        alike={
            pair: one.value == ALIKE
            for one in decisions.current(Kind.PAIR)
            for pair in _pairs(rows, one.sha256, one.other)
        },
        not_duplicates={pair for one, other in decisions.not_duplicates() for pair in _pairs(rows, one, other)},
    )


@per_model(most=1)
def _names(loaded: Loaded, url: str, action: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    found = _read(loaded, url, action)
    labels = {label for label in found.labels if label is not None}.union(loaded.labels)
    return tuple(sorted(filter(str.isprintable, labels))), tuple(filter(str.isprintable, found.tagged))


def _pairs(rows: dict[str, list[int]], one: str, other: str) -> Iterator[tuple[int, int]]:
    for left, right in product(rows.get(one, ()), rows.get(other, ())):
        yield min(left, right), max(left, right)
