"""Comparison of two versions of a model: results kept for all sessions, and their words."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dashboards.markdown import plain
from dashboards.services.filters import Filters, mask
from dashboards.services.format import counted
from dashboards.services.models.cache import per_model
from dashboards.services.models.loaded_model import Loaded
from imgsim import comparison
from imgsim.comparison import Move, Overlap
from imgsim.evaluation import queries

Rows = NDArray[np.int64]


@per_model()
def counterparts(loaded: Loaded, other: Loaded) -> Rows:
    """Find the row of each image in the other version, -1 where it has none; (n,) int64, read-only."""
    return comparison.counterparts(loaded.model.images, other.model.images)


@per_model()
def overlap(loaded: Loaded, other: Loaded, k: int) -> Overlap | None:
    """Count the neighbours that both versions list; None when they share no image or list no neighbours."""
    return comparison.neighbor_overlap(loaded.model, other.model, counterparts(loaded, other), k)


@per_model()
def changed_labels(loaded: Loaded, other: Loaded) -> pd.DataFrame:
    """List the images of both versions whose label differs; see `imgsim.comparison.changed_labels`."""
    return comparison.changed_labels(loaded.model, other.model, counterparts(loaded, other))


@per_model()
def query_differences(loaded: Loaded, other: Loaded) -> pd.DataFrame:
    """Compare the precision of each query of both versions; see `imgsim.evaluation.queries.query_differences`."""
    return queries.query_differences(loaded.model.evaluation, other.model.evaluation, counterparts(loaded, other))


@per_model()
def metric_differences(loaded: Loaded, other: Loaded) -> pd.DataFrame:
    """Compare the metrics of both versions; see `imgsim.comparison.metric_differences`."""
    return comparison.metric_differences(loaded.model, other.model, counterparts(loaded, other))


def verdict_words(loaded: Loaded, other: Loaded, before: str, after: str) -> str:
    """Say in a sentence of markdown which version finds better neighbours by precision, or by recall without labels.

    ``before`` and ``after`` are version numbers. Empty where there is nothing to compare.
    """
    table = metric_differences(loaded, other)
    found = table[table["metric"].str.fullmatch(r"(precision|recall)_at_\d+") & table["difference"].notna()]
    if not len(found):
        return ""
    row = found.sort_values("metric", kind="stable").iloc[0]
    figures = f"{plain(row['title'].lower())} {row['before']:.3f} → {row['after']:.3f}"
    interval = f", difference {row['low']:+.3f} to {row['high']:+.3f}" if np.isfinite(row["low"]) else ""
    words = {
        "better": f"**Version {plain(after)} finds better neighbours**",
        "worse": f"**Version {plain(before)} finds better neighbours**",
        "equal": "**Both find equally good neighbours**",
        "unclear": "**No clear difference between the neighbours that both find**",
    }
    return f"{words[row['verdict']]}: {figures}{interval}."


def better_of(loaded: Loaded, other: Loaded) -> str:
    """Return ``"before"`` or ``"after"``, whichever finds better neighbours beyond chance; else an empty text."""
    table = metric_differences(loaded, other)
    found = table[table["metric"].str.fullmatch(r"precision_at_\d+")]["verdict"]
    return {"better": "after", "worse": "before"}.get(found.iloc[0], "") if len(found) else ""


def difference_words(loaded: Loaded, other: Loaded) -> str:
    """Say in a sentence what differs between a version and a later one: network, images, labels."""
    across = counterparts(loaded, other)
    shared, changed = int((across >= 0).sum()), len(changed_labels(loaded, other))
    network = "the same network" if loaded.model.backbone == other.model.backbone else "another network"
    images = [
        f"{counted(count, 'image')} {word}"
        for count, word in ((len(other) - shared, "added"), (len(loaded) - shared, "left out"))
        if count
    ]
    labels = f"{counted(changed, 'label differs', 'labels differ')}" if changed else "the same labels"
    return ", ".join([network, *(images or ["the same images"]), labels]).capitalize() + "."


def random_row(loaded: Loaded, other: Loaded, filters: Filters) -> int | None:
    """Draw an image that both versions have and the filters leave; None where there is none."""
    rows = np.flatnonzero((counterparts(loaded, other) >= 0) & mask(loaded, filters))
    return int(np.random.default_rng().choice(rows)) if len(rows) else None


def move_words(move: Move, other: str, forward: bool) -> str:
    """Say what became of an image of a list.

    Parameters
    ----------
    move : Move
    other : str
        Name of the other version.
    forward : bool
        Whether the list is that of the version before.
    """
    before, after = (move.rank, move.there) if forward else (move.there, move.rank)
    return {
        "absent": f"not in {other}",
        "gone": f"{move.rank} → gone",
        "new": f"new at {move.rank}",
        "stays": f"stays {move.rank}",
        "up": f"{before} → {after} ▲",
        "down": f"{before} → {after} ▼",
    }[move.kind]


def metric_table(loaded: Loaded, other: Loaded, before: str, after: str) -> pd.DataFrame:
    """Return the columns of `imgsim.comparison.metric_differences`, the verdict in words.

    ``before`` and ``after`` are version numbers.
    """
    table = metric_differences(loaded, other)
    words = {
        "better": f"version {after} is better",
        "worse": f"version {before} is better",
        "unclear": "no clear difference: within the 95 % interval",
        "only before": f"only version {before} has it",
        "only after": f"only version {after} has it",
    }
    return table.assign(metric=table["title"], verdict=table["verdict"].replace(words)).drop(columns="title")
