"""Groups of duplicates of a version: those of its insight, and look-alikes at the chosen threshold."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dashboards.services.models.cache import per_model
from dashboards.services.models.loaded_model import Loaded
from imgsim.insights.duplicates import look_alikes
from imgsim.insights.duplicates.best_copy import Facts
from imgsim.insights.duplicates.cleanup import CERTAIN, plan_table
from imgsim.insights.duplicates.find import TABLES
from imgsim.insights.duplicates.groups import GROUPS, groups_table
from imgsim.insights.duplicates.look_alikes import NearPairs
from imgsim.references.insight import Insight, frame

Rows = NDArray[np.int64]

NAMES = {"same_bytes": "Same bytes", "same_picture": "Same picture", "look_alike": "Look-alike"}
MEANINGS = {
    "same_bytes": "The very same file under several names: all but one can go.",
    "same_picture": "One picture saved again, resized or turned: only quality differs.",
    "look_alike": "Pictures unusually near each other for this collection. Near is not equal: judge each group.",
}


@per_model()
def near_pairs(loaded: Loaded) -> NearPairs:
    """Read the pairs that look-alikes are grouped from."""
    return look_alikes.near_pairs(loaded.model.references)


@per_model(most=16)
def look_alike_groups(loaded: Loaded, threshold: float) -> list[Rows]:
    """Group look-alikes at a threshold, the largest group first."""
    return look_alikes.look_alike_groups(loaded.model.references, near_pairs(loaded), threshold)


@per_model()
def _facts(loaded: Loaded) -> Facts:
    return look_alikes.stored_facts(loaded.model.references)


def tier_groups(loaded: Loaded, tier: str) -> pd.DataFrame:
    """Return the groups of a tier that the version carries, the image to keep first."""
    insight = loaded.insight("duplicates")
    if insight is None:
        return frame(GROUPS, {name: [] for name in GROUPS.names})
    table = insight.tables["groups"]
    return _kept_first(table[table["tier"] == tier])


def groups_page(table: pd.DataFrame, page: int, size: int) -> list[pd.DataFrame]:
    """Part a table into its groups, and return those of one page."""
    numbers = table["group"].unique()[(page - 1) * size : page * size]
    return [table[table["group"] == number] for number in numbers]


def group_table(loaded: Loaded, groups: list[Rows]) -> pd.DataFrame:
    """Return look-alike groups as a table like that of `tier_groups`."""
    return _kept_first(groups_table(loaded.model.references, _facts(loaded), [("look_alike", groups)]))


def _kept_first(table: pd.DataFrame) -> pd.DataFrame:
    return table.sort_values(["group", "keep"], ascending=[True, False], kind="stable")


def plan(loaded: Loaded, tiers: Iterable[str], threshold: float) -> pd.DataFrame:
    """Make the plan (`imgsim.insights.duplicates.cleanup.plan_table`) of some tiers, look-alikes at this threshold."""
    tiers = tuple(tiers)
    table = pd.concat([tier_groups(loaded, tier) for tier in CERTAIN if tier in tiers] or [tier_groups(loaded, "none")])
    if "look_alike" in tiers:
        alike = group_table(loaded, look_alike_groups(loaded, threshold))
        first = int(table["group"].max()) + 1 if len(table) else 0
        table = pd.concat([table, alike.assign(group=alike["group"] + first)]) if len(table) else alike
    return plan_table(Insight("duplicates", TABLES, {"groups": table}), tiers)
