"""What of an insight people look at first: its telling rows, and pictures with captions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from imgsim.references.insight import Insight

Tile = tuple[int, str]
"""A row of the model and what to write below its picture."""

LIKELY = 0.5
"""Labels from this probability of being wrong are shown as likely errors."""


def telling(insight: Insight) -> pd.DataFrame:
    """The rows of the insight's first table that say something was found, most telling first."""
    return _TELLING[insight.name](insight)


def tiles(insight: Insight, most: int = 25) -> list[Tile]:
    """Pictures that show what was found, with captions."""
    make = _TILES.get(insight.name)
    return [] if make is None else make(telling(insight).head(most))


def _outliers(insight: Insight) -> pd.DataFrame:
    table = insight.tables["images"]
    return table[table["outlier"]].sort_values("score", ascending=False, kind="stable")


def _label_errors(insight: Insight) -> pd.DataFrame:
    table = insight.tables["images"]
    return table[table["probability"] >= LIKELY].sort_values("probability", ascending=False, kind="stable")


_TELLING: dict[str, Callable[[Insight], pd.DataFrame]] = {
    "duplicates": lambda insight: insight.tables["groups"],
    "outliers": _outliers,
    "hubness": lambda insight: insight.tables["hubs"],
    "label_errors": _label_errors,
    "leaks": lambda insight: insight.tables["pairs"],
    "quality": lambda insight: insight.tables["issues"],
    "clusters": lambda insight: insight.tables["clusters"],
    "map": lambda insight: insight.tables["map"],
}
_TILES: dict[str, Callable[[pd.DataFrame], list[Tile]]] = {
    "duplicates": lambda table: [(r.row, f"{r.group}{' keep' * r.keep}: {r.tier}") for r in table.itertuples()],
    "leaks": lambda table: [
        tile for r in table.itertuples() for tile in ((r.row, f"{r.split}: {r.tier}"), (r.other, r.other_split))
    ],
    "quality": lambda table: [(r.row, f"{r.issue} {r.value:.3g}") for r in table.itertuples()],
    "outliers": lambda table: [(r.row, f"{r.score:.1f} {r.label or r.path}") for r in table.itertuples()],
    "hubness": lambda table: [(r.row, f"in {r.in_degree} lists") for r in table.itertuples()],
    "label_errors": lambda table: [
        (r.row, f"{r.probability:.0%} {r.label}, not {r.suggestion}") for r in table.itertuples()
    ],
    "clusters": lambda table: [(r.row, f"{r.size:,} {r.common_label or r.path}") for r in table.itertuples()],
}
