"""Colours of the points of the map: a code for each image, and a legend."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dashboards.services.clusters.groups import groups as clusters
from dashboards.services.decided import stamp
from dashboards.services.models.cache import Cache
from dashboards.services.models.loaded_model import Loaded

BINS = 6
"""Entries in the legend of a figure."""
NONE = "-"
"""Names in URLs the entry of images that have no label or no figure."""
CLUSTERS = "cluster"
"""Name of the colouring by cluster, which people change."""
_UNKNOWN = np.iinfo(np.uint16).max

Codes = NDArray[np.uint16]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Entry:
    """A line of the legend; ``key`` names it in URLs."""

    key: str
    name: str
    count: int


@dataclass(frozen=True)
class Colored:
    """Colours of all images.

    Parameters
    ----------
    codes : (n,) uint16
        Of groups: the position of the image's entry. Of figures: 0 for ``low`` to 65534 for ``high``, 65535 for none.
    entries : tuple of Entry
        Groups by falling size, or bins of a figure; what has none last.
    values : (n,) float64, or None
        The figures themselves, NaN for none; None for groups.
    low, high : float
        Of the scale; figures beyond it have the colour of its end.
    unknown : bool
        Whether the last entry is that of images that have none.
    """

    codes: Codes
    entries: tuple[Entry, ...]
    values: Floats | None = None
    low: float = 0.0
    high: float = 1.0
    unknown: bool = False

    def position(self, key: str) -> int:
        """Return the position of an entry in the legend; -1 when there is no such entry."""
        return next((place for place, entry in enumerate(self.entries) if entry.key == key), -1)


@dataclass(frozen=True)
class Coloring:
    """A way to colour; ``color`` gives None when the version carries nothing about it."""

    name: str
    color: Callable[[Loaded], Colored | None]


def _cache(loaded: Loaded) -> Cache[Colored | None]:
    found: Cache[Colored | None] = loaded.results.setdefault(colored, Cache(32))
    return found


def colored(loaded: Loaded, name: str) -> Colored | None:
    """Colour all images by one of `COLORINGS`, as they are now; None when the version has none."""
    return _cache(loaded).get((name, state_of(name)), lambda: COLORINGS[name].color(loaded))


def state_of(name: str) -> str:
    """Name the state that a colouring is of: of one that people change, another one after each decision."""
    return f"{zlib.crc32(stamp().encode()):08x}" if name == CLUSTERS else ""


def colored_then(loaded: Loaded, name: str, state: str) -> Colored | None:
    """Colour all images by a colouring in a state, if that is the present one or one of the last; else None."""
    if name not in COLORINGS:
        return None
    return colored(loaded, name) if state == state_of(name) else _cache(loaded).known((name, state))


def available(loaded: Loaded) -> dict[str, str]:
    """List the colourings that this version knows: name in URLs to title."""
    return {name: coloring.name for name, coloring in COLORINGS.items() if colored(loaded, name) is not None}


def entry_of(colors: Colored, codes: Codes) -> NDArray[np.int64]:
    """Return the position in the legend of each code."""
    wide = codes.astype(np.int64)
    return wide if colors.values is None else np.where(wide == _UNKNOWN, BINS, wide * BINS // _UNKNOWN)


def groups(codes: NDArray[np.integer], keys: list[str], names: list[str], without: str) -> Colored:
    """Colour by group: (n,) ``codes`` are positions in ``keys`` and ``names``, -1 for none."""
    counts = np.bincount(codes[codes >= 0], minlength=len(names))
    order = np.argsort(-counts, kind="stable")[:_UNKNOWN]
    places = np.full(len(names) + 1, len(order), np.int64)  # the last: of those without
    places[order] = np.arange(len(order))
    entries = [Entry(keys[code], names[code], int(counts[code])) for code in order.tolist()]
    alone = int((codes < 0).sum())
    if alone:
        entries.append(Entry(NONE, without, alone))
    return Colored(places[codes].astype(np.uint16), tuple(entries), unknown=bool(alone))


def figures(values: Floats, low: float, high: float, digits: int, without: str) -> Colored:
    """Colour by a figure of each image, NaN for none."""
    known = np.isfinite(values)
    span = max(high - low, 1e-12)
    codes = np.full(len(values), _UNKNOWN, np.uint16)
    codes[known] = np.rint(np.clip((values[known] - low) / span, 0, 1) * (_UNKNOWN - 1)).astype(np.uint16)
    colors = Colored(codes, (), values, low, low + span)
    counts = np.bincount(entry_of(colors, codes), minlength=BINS + 1)
    edges = [low + span * place / BINS for place in range(BINS + 1)]
    entries = [
        Entry(str(place), _range(edges[place], edges[place + 1], place, digits), int(counts[place]))
        for place in range(BINS)
    ]
    if counts[BINS]:
        entries.append(Entry(NONE, without, int(counts[BINS])))
    return Colored(codes, tuple(entries), values, low, low + span, bool(counts[BINS]))


def _range(low: float, high: float, place: int, digits: int) -> str:
    if place == 0:
        return f"below {high:.{digits}f}"
    return f"{low:.{digits}f} and more" if place == BINS - 1 else f"{low:.{digits}f} to {high:.{digits}f}"


def _labels(loaded: Loaded) -> Colored | None:
    names = list(loaded.labels)
    return groups(loaded.label_codes, names, names, "no label") if names else None


def _clusters(loaded: Loaded) -> Colored | None:
    found = clusters(loaded)
    if not found:
        return None
    codes = np.full(len(loaded), -1, np.int64)
    for place, group in enumerate(found):
        codes[group.rows] = place
    return groups(codes, [group.key for group in found], [group.title for group in found], "no cluster")


def _outliers(loaded: Loaded) -> Colored | None:
    values = loaded.figures("outliers", "score")
    if values is None:
        return None
    return figures(values, 0.0, max(_usual(values)[1], 1.0), 1, "no score")  # 0: as far from others as is usual


def _wrong(loaded: Loaded) -> Colored | None:
    values = loaded.figures("label_errors", "probability")
    return None if values is None else figures(values, 0.0, 1.0, 2, "not judged")


def _votes(loaded: Loaded) -> Colored | None:
    """Colour by the share of the labelled neighbours that have another label."""
    codes, neighbors = loaded.label_codes, loaded.model.graph.neighbors
    if not loaded.labels or not loaded.model.graph.k:
        return None
    theirs = codes[neighbors]
    voting = theirs >= 0
    against = (voting & (theirs != codes[:, None])).sum(axis=1)
    count = np.where(codes >= 0, voting.sum(axis=1), 0)
    values = np.where(count > 0, against / np.maximum(count, 1), np.nan)
    return figures(values, 0.0, 1.0, 2, "no votes")


def _hubs(loaded: Loaded) -> Colored | None:
    if not loaded.model.graph.k:
        return None
    values = loaded.in_degree.astype(np.float64)
    return figures(values, 0.0, _usual(values)[1], 0, "not listed")


def _usual(values: Floats) -> tuple[float, float]:
    """Return the range of figures without the most extreme ones."""
    known = values[np.isfinite(values)]
    if not len(known):
        return 0.0, 1.0
    low, high = np.quantile(known, [0.005, 0.995])
    return float(low), float(high)


COLORINGS: dict[str, Coloring] = {
    "label": Coloring("Label", _labels),
    CLUSTERS: Coloring("Cluster", _clusters),
    "outlier": Coloring("Outlier score", _outliers),
    "wrong": Coloring("Probability that the label is wrong", _wrong),
    "votes": Coloring("Neighbours with another label", _votes),
    "hub": Coloring("Hub score", _hubs),
}
"""By their names in URLs."""
