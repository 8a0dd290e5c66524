"""The collection in an order: which orders a version has, and the images of one that pass the filters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dashboards.services.filters import Filters, mask
from dashboards.services.format import counted
from dashboards.services.models.cache import per_model
from dashboards.services.models.loaded_model import Loaded

Rows = NDArray[np.int32]
Measure = Callable[[Loaded], "NDArray[np.float64] | None"]

RANDOM = "random"


@dataclass(frozen=True)
class Sort:
    """An order of images.

    Parameters
    ----------
    name : str
        What people choose.
    first : str
        Which images come first, in words.
    measure : callable, optional
        (n,) figure of each image, NaN where it has none; None when the version carries nothing about it. Equal ones,
        and all without a measure, are in the order of their paths.
    words : callable, optional
        What a tile says about a figure.
    falling : bool
        Whether the largest figure comes first.
    """

    name: str
    first: str
    measure: Measure | None = None
    words: Callable[[float], str] | None = None
    falling: bool = True


def _label(loaded: Loaded) -> NDArray[np.float64] | None:
    codes = loaded.label_codes.astype(np.float64)
    return np.where(codes < 0, np.nan, codes) if loaded.labels else None


def _listed(loaded: Loaded) -> NDArray[np.float64] | None:
    return loaded.in_degree.astype(np.float64) if loaded.model.graph.k else None


def _pixels(loaded: Loaded) -> NDArray[np.float64] | None:
    images = loaded.model.images
    pixels = images.column("width").astype(np.float64) * images.column("height")
    return np.where(pixels > 0, pixels, np.nan) if pixels.any() else None


def _date(loaded: Loaded) -> NDArray[np.float64] | None:
    times = loaded.model.images.column("mtime").astype("datetime64[s]")
    known = ~np.isnat(times)
    return np.where(known, times.astype(np.int64), np.nan) if known.any() else None


SORTS: dict[str, Sort] = {
    "path": Sort("Path", "by path"),
    "label": Sort("Label", "label by label", _label, falling=False),
    "outlier": Sort(
        "Outlier score",
        "the most unusual",
        lambda loaded: loaded.figures("outliers", "score"),
        lambda score: f"outlier score {score:.1f}",
    ),
    "hub": Sort(
        "Hub score",
        "those that show up in most answers",
        _listed,
        lambda count: f"shows up in {counted(round(count), 'answer')}",
    ),
    "size": Sort("Size", "the most pixels", _pixels, lambda pixels: f"{pixels / 1e6:.2g} megapixels"),
    "sharpness": Sort(
        "Sharpness",
        "the blurriest",
        lambda loaded: loaded.figures("quality", "sharpness"),
        lambda value: f"sharpness {value:.2f}",
        falling=False,
    ),
    "date": Sort(
        "Date", "the newest files", _date, lambda seconds: str(np.datetime64(int(seconds), "s")).replace("T", " ")
    ),
    RANDOM: Sort("Random", "a shuffled deck"),
}
"""By their names in URLs."""


@per_model(most=len(SORTS))
def figures_of(loaded: Loaded, sort: str) -> NDArray[np.float64] | None:
    """Measure every image for an order; (n,) float64, None where the order has no measure."""
    measure = SORTS[sort].measure
    return None if measure is None else measure(loaded)


def available(loaded: Loaded) -> dict[str, str]:
    """List the orders that this version knows: name in URLs to title."""
    return {
        name: sort.name for name, sort in SORTS.items() if sort.measure is None or figures_of(loaded, name) is not None
    }


@per_model(most=16)
def sorted_rows(loaded: Loaded, sort: str, reverse: bool = False, seed: int = 0) -> Rows:
    """Sort all rows; (n,) int32, read-only.

    Parameters
    ----------
    loaded : Loaded
    sort : str
        One of `available`.
    reverse : bool
        The other way round; images without a figure stay last.
    seed : int
        Of the random order.
    """
    if sort == RANDOM:
        rows = np.random.default_rng(seed).permutation(len(loaded)).astype(np.int32)
        return _frozen(rows[::-1] if reverse else rows)
    by_path = _by_path(loaded)
    figures = figures_of(loaded, sort)
    if figures is None:
        return _frozen(by_path[::-1] if reverse else by_path)
    figures = figures[by_path]
    keys = -figures if SORTS[sort].falling != reverse else figures
    return _frozen(by_path[np.argsort(keys, kind="stable")])  # NaN sorts last


@per_model(most=1)
def _by_path(loaded: Loaded) -> Rows:
    paths = list(loaded.model.images.paths)
    return np.array(sorted(range(len(loaded)), key=paths.__getitem__), np.int32)


def _frozen(rows: Rows) -> Rows:
    rows.setflags(write=False)
    return rows


@per_model(most=16)
def select_rows(
    loaded: Loaded, sort: str, reverse: bool, seed: int, filters: Filters, collapse: bool
) -> tuple[Rows, int]:
    """Return the rows that pass the filters, in an order, and the number of near-duplicates left out."""
    rows = sorted_rows(loaded, sort, reverse, seed)
    rows = rows[mask(loaded, filters)[rows]]
    if not collapse:
        return rows, 0
    groups = loaded.duplicate_group[rows]
    first = np.zeros(len(rows), bool)
    first[np.unique(groups, return_index=True)[1]] = True
    keep = (groups < 0) | first
    return rows[keep], int(len(rows) - keep.sum())


def notes(loaded: Loaded, sort: str, rows: Sequence[int]) -> list[str]:
    """Write the notes on the tiles of these rows: the figure that they are sorted by."""
    figures, words = figures_of(loaded, sort), SORTS[sort].words
    if figures is None or words is None:
        return [""] * len(rows)
    return [words(value) if np.isfinite(value) else "" for value in figures[list(rows)].tolist()]
