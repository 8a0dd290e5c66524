"""Filters of images: labels, path, size, date and quality, and what people decided: tags, clusters, reviews."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dashboards.services.decided import Decided, known
from dashboards.services.models.cache import per_model
from dashboards.services.models.loaded_model import Loaded
from imgsim.decisions.clusters import PREFIX, cluster_names, plain_tags

Reviewed = Literal["", "yes", "no"]
Mask = NDArray[np.bool_]

SIZES: dict[str, tuple[float, float]] = {
    "tiny": (0, 0.05),
    "small": (0.05, 0.5),
    "middle": (0.5, 4),
    "large": (4, np.inf),
}
"""Megapixels, from and below, by their names in URLs."""


@dataclass(frozen=True)
class Filters:
    """Images that pass; of each filter that is not empty at least one value holds.

    Parameters
    ----------
    labels, tags, clusters : tuple of str
        Labels of the version; decided tags, and names of clusters.
    path : str
        A part of the path, without regard to case.
    reviewed : str
        ``"yes"``, ``"no"``, or empty for both.
    quality : tuple of str
        Issues of picture quality.
    sizes : tuple of str
        Names in `SIZES`.
    dates : str
        First and last day (UTC) on which a file was changed, as `parse_dates` takes them; empty for all.
    seen : str
        State of the store of decisions (`dashboards.services.decided.stamp`), where one of these filters is about
        decisions: what was found by them holds until the next action.
    """

    labels: tuple[str, ...] = ()
    path: str = ""
    tags: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()
    reviewed: Reviewed = ""
    quality: tuple[str, ...] = ()
    sizes: tuple[str, ...] = ()
    dates: str = ""
    seen: str = ""

    def __bool__(self) -> bool:
        return bool(self.labels or self.path or self.quality or self.sizes or self.dates or self.about_decisions)

    @property
    def about_decisions(self) -> bool:
        """True where the images that pass depend on what people decided."""
        return bool(self.tags or self.clusters or self.reviewed)


@per_model(most=64)
def mask(loaded: Loaded, filters: Filters) -> Mask:
    """Return (n,) bool, true for the images that pass; read-only."""
    passed = np.ones(len(loaded), bool)
    if filters.labels:
        codes = [loaded.labels.index(label) for label in filters.labels if label in loaded.labels]
        passed &= np.isin(loaded.label_codes, codes)
    if filters.path:
        passed &= _holds(loaded.lower_paths, filters.path.casefold())
    if filters.quality:
        passed &= _any(quality_masks(loaded), filters.quality, len(loaded))
    if filters.sizes:
        passed &= _any(size_masks(loaded), filters.sizes, len(loaded))
    if days := parse_dates(filters.dates):
        changed = _days(loaded)
        passed &= (changed >= np.datetime64(days[0])) & (changed <= np.datetime64(days[1]))
    if filters.about_decisions:
        passed &= _decided(known(loaded), filters, len(loaded))
    passed.setflags(write=False)
    return passed


@per_model(most=1)
def quality_masks(loaded: Loaded) -> dict[str, Mask]:
    """Return the images with each issue of picture quality; empty where the version carries nothing about it."""
    insight = loaded.insight("quality")
    if insight is None:
        return {}
    table = insight.tables["issues"]
    return {str(issue): _rows(part["row"], len(loaded)) for issue, part in table.groupby("issue", sort=True)}


@per_model(most=1)
def size_masks(loaded: Loaded) -> dict[str, Mask]:
    """Return the images of each of `SIZES` that has any; empty where no size is known."""
    images = loaded.model.images
    megapixels = images.column("width").astype(np.float64) * images.column("height") / 1e6
    found = {name: (megapixels >= low) & (megapixels < high) & (megapixels > 0) for name, (low, high) in SIZES.items()}
    return {name: flags for name, flags in found.items() if flags.any()}


def parse_dates(text: str) -> tuple[date, date] | None:
    """Read two days, the first one not after the last, as ``2026-01-31..2026-02-28``; None for any other text."""
    try:
        first, last = map(date.fromisoformat, text.split(".."))
    except ValueError:
        return None
    return (first, last) if first <= last else None


@per_model(most=1)
def date_range(loaded: Loaded) -> tuple[date, date] | None:
    """Return the first and the last day on which a file of the version was changed; None where no day is known."""
    days = _days(loaded)
    known = days[~np.isnat(days)]
    return (known.min().item(), known.max().item()) if len(known) else None


def _days(loaded: Loaded) -> NDArray[np.datetime64]:
    return np.asarray(loaded.model.images.column("mtime")).astype("datetime64[D]")


def tag_counts(decided: Decided) -> dict[str, int]:
    """Count the images of each tag that names no cluster, by name."""
    return {tag: len(rows) for tag, rows in decided.tagged.items() if plain_tags((tag,))}


def cluster_counts(decided: Decided) -> dict[str, int]:
    """Count the images of each named cluster, by name."""
    return {name: len(rows) for tag, rows in decided.tagged.items() for name in cluster_names((tag,))}


@per_model(most=1)
def label_counts(loaded: Loaded) -> dict[str, int]:
    """Count the images of each label, by name."""
    codes = loaded.label_codes
    return dict(zip(loaded.labels, np.bincount(codes[codes >= 0], minlength=len(loaded.labels)).tolist(), strict=True))


def _decided(decided: Decided, filters: Filters, count: int) -> Mask:
    passed = np.ones(count, bool)
    for wanted in (filters.tags, [PREFIX + name for name in filters.clusters]):
        if wanted:
            passed &= _any({tag: _rows(decided.tagged.get(tag, []), count) for tag in wanted}, wanted, count)
    if filters.reviewed:
        reviewed = _rows(decided.reviewed, count)
        passed &= reviewed if filters.reviewed == "yes" else ~reviewed
    return passed


def _any(masks: Mapping[str, Mask], names: Sequence[str], count: int) -> Mask:
    found = np.zeros(count, bool)
    for name in names:
        found |= masks.get(name, False)
    return found


def _rows(rows: Collection[int], count: int) -> Mask:
    found = np.zeros(count, bool)
    found[np.fromiter(rows, np.int64, len(rows))] = True
    return found


def _holds(texts: Sequence[str], part: str) -> Mask:
    return np.fromiter((part in text for text in texts), bool, len(texts))
