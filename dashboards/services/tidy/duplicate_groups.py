"""Groups of duplicates of a version, as people decided them: those of its insight, and look-alikes at a threshold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dashboards.services.decided import Decided, store
from dashboards.services.models.cache import per_model
from dashboards.services.models.loaded_model import Loaded
from imgsim.insights.duplicates import look_alikes
from imgsim.insights.duplicates.best_copy import ImageProperties
from imgsim.insights.duplicates.cleanup import CERTAIN, plan_table
from imgsim.insights.duplicates.decided import DecidedCopies, decided_groups
from imgsim.insights.duplicates.find import TABLES
from imgsim.insights.duplicates.groups import GROUPS, groups_table
from imgsim.insights.duplicates.look_alikes import NearPairs
from imgsim.references.insight import Insight, frame

Rows = NDArray[np.int64]
Part = Literal["left", "decided", "different"]
"""Groups that are left to decide, that are decided, and that hold no copies."""

NAMES = {"same_bytes": "Identical files", "same_picture": "Same picture", "look_alike": "Look-alike"}
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
def _properties(loaded: Loaded) -> ImageProperties:
    return look_alikes.stored_properties(loaded.model.references)


@per_model()
def tier_groups(loaded: Loaded, tier: str) -> pd.DataFrame:
    """Return the groups of a tier that the version carries, as proposed, the image to keep first."""
    insight = loaded.insight("duplicates")
    if insight is None:
        return frame(GROUPS, {name: [] for name in GROUPS.names})
    table = insight.tables["groups"]
    return _kept_first(table[table["tier"] == tier])


def _kept_first(table: pd.DataFrame) -> pd.DataFrame:
    return table.sort_values(["group", "keep"], ascending=[True, False], kind="stable")


def copies(loaded: Loaded, known: Decided) -> DecidedCopies:
    """Return what is decided about copies.

    Parameters
    ----------
    loaded : Loaded
    known : Decided
        What is decided now; it says if the store is to be read again.

    Raises
    ------
    DecisionsError
        The store cannot be used.
    """
    return _copies(loaded, store().url, known.action)


@per_model(most=1)
def _copies(loaded: Loaded, url: str, action: int) -> DecidedCopies:
    return DecidedCopies.of(loaded.model.references, store())


def parts(loaded: Loaded, known: Decided, tier: str, threshold: float = 0.0) -> dict[Part, list[Rows]]:
    """Part the groups of a tier by what is decided about them; each is the rows of its images.

    Parameters
    ----------
    loaded : Loaded
    known : Decided
    tier : str
    threshold : float
        Of look-alikes.

    Raises
    ------
    DecisionsError
        The store cannot be used.
    """
    return _parts(loaded, tier, threshold if tier == "look_alike" else 0.0, store().url, known.action)


@per_model(most=16)
def _parts(loaded: Loaded, tier: str, threshold: float, url: str, action: int) -> dict[Part, list[Rows]]:
    decided = _copies(loaded, url, action)
    found: dict[Part, list[Rows]] = {"left": [], "decided": [], "different": []}
    for group in look_alike_groups(loaded, threshold) if tier == "look_alike" else _groups(loaded, tier):
        rows = group.tolist()
        settled = decided.is_settled(tier, rows)
        found["different" if decided.are_different(rows) else "decided" if settled else "left"].append(group)
    return found


@per_model()
def _groups(loaded: Loaded, tier: str) -> list[Rows]:
    """Return the rows of each group of a tier that is certain."""
    table = tier_groups(loaded, tier)
    numbers, rows = table["group"].to_numpy(), table["row"].to_numpy(np.int64)
    return np.split(rows, np.flatnonzero(np.diff(numbers)) + 1) if len(rows) else []


def group_table(loaded: Loaded, known: Decided | None, tier: str, groups: Sequence[Rows]) -> pd.DataFrame:
    """Return some groups as a table, each with the image that is proposed first.

    Parameters
    ----------
    loaded : Loaded
    known : Decided or None
        What people decided wins over the proposal, and groups without copies are left out; None: as proposed.
    tier : str
    groups : sequence of (s,) int64
        Of `parts`.

    Returns
    -------
    DataFrame
        As the table ``groups`` of the insight, with ``decided`` (bool).
    """
    if tier == "look_alike":
        table = _kept_first(groups_table(loaded.model.references, _properties(loaded), [(tier, list(groups))]))
    else:
        table = tier_groups(loaded, tier)
        table = table[np.isin(table["row"].to_numpy(), np.concatenate([[], *groups]).astype(np.int64))]
    return table.assign(decided=False) if known is None else decided_groups(table, copies(loaded, known))


def spare(loaded: Loaded, known: Decided, tier: str) -> tuple[int, int]:
    """Count the files of a tier that is certain which can go as it is decided now, and their bytes."""
    return _spare(loaded, tier, store().url, known.action)


@per_model(most=8)
def _spare(loaded: Loaded, tier: str, url: str, action: int) -> tuple[int, int]:
    table = decided_groups(tier_groups(loaded, tier), _copies(loaded, url, action))
    gone = table[~table["keep"].to_numpy(bool)]
    return len(gone), int(gone["bytes"].sum())


def plan(loaded: Loaded, known: Decided, tiers: Iterable[str], threshold: float) -> pd.DataFrame:
    """Make the plan (`imgsim.insights.duplicates.cleanup.plan_table`) of some tiers, look-alikes at this threshold."""
    tiers = tuple(tiers)
    tables = [tier_groups(loaded, tier) for tier in CERTAIN if tier in tiers] or [tier_groups(loaded, "none")]
    table = pd.concat(tables)
    if "look_alike" in tiers:
        alike = group_table(loaded, None, "look_alike", look_alike_groups(loaded, threshold))
        alike = alike.drop(columns="decided")
        first = int(table["group"].max()) + 1 if len(table) else 0
        table = pd.concat([table, alike.assign(group=alike["group"] + first)]) if len(table) else alike
    return plan_table(Insight("duplicates", TABLES, {"groups": table}), tiers, copies(loaded, known))
