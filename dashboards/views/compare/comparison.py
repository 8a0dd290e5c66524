"""Comparison of two versions of a model: results kept for all sessions, and their words."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dashboards.services.filters import Filters, mask
from dashboards.services.models.cache import per_model
from dashboards.services.models.loaded_model import Loaded
from imgsim import comparison
from imgsim.comparison import Move, Overlap

Rows = NDArray[np.int64]


@per_model()
def counterparts(loaded: Loaded, other: Loaded) -> Rows:
    """Find the row of each image in the other version, -1 where it has none; (n,) int64, read-only."""
    return comparison.counterparts(loaded.model.images, other.model.images)


@per_model()
def overlap(loaded: Loaded, other: Loaded, k: int) -> Overlap | None:
    """Count the neighbours that both versions list; None when they share no image or list no neighbours."""
    return comparison.neighbor_overlap(loaded.model, other.model, counterparts(loaded, other), k)


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
    """Return columns metric, before, after, difference and a verdict in words; ``before`` and ``after`` are numbers."""
    table = comparison.metric_differences(loaded.model, other.model)
    words = {
        "better": f"version {after} is better",
        "worse": f"version {before} is better",
        "unclear": "no clear difference: within the 95 % interval",
        "only before": f"only version {before} has it",
        "only after": f"only version {after} has it",
    }
    return table.assign(metric=table["title"], verdict=table["verdict"].replace(words)).drop(columns="title")
