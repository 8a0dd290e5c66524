"""Duplicates in three tiers that are never mixed, and look-alikes at any threshold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dashboards.services.models.loaded_model import Loaded
from dashboards.services.models.per_model_cache import per_model
from imgsim.insights.descriptor import BYTES
from imgsim.insights.duplicates.best_copy import Facts, suggestion
from imgsim.insights.duplicates.cleanup import CERTAIN, plan_table
from imgsim.insights.duplicates.find import TABLES
from imgsim.insights.duplicates.groups import centred_groups
from imgsim.insights.measures import MEASURES, Traits
from imgsim.insights.tables import about
from imgsim.references.insight import Insight, frame

Rows = NDArray[np.int64]
Floats = NDArray[np.float64]

NAMES = {"same_bytes": "Same bytes", "same_picture": "Same picture", "look_alike": "Look-alike"}
MEANINGS = {
    "same_bytes": "The very same file under several names: all but one can go.",
    "same_picture": "One picture saved again, resized or turned: only quality differs.",
    "look_alike": "Pictures unusually near each other for this collection. Near is not equal: judge each group.",
}
BINS = 60


@dataclass(frozen=True)
class Alike:
    """What look-alikes are grouped from.

    ``a``, ``b`` are rows and ``distance`` lies between them, nearest pair first; thresholds may go up to ``bound``
    and start at ``threshold``. ``nearest`` is the distance of every image to its nearest other one.
    """

    a: Rows
    b: Rows
    distance: Floats
    threshold: float
    bound: float
    nearest: Floats


@per_model()
def alike(loaded: Loaded) -> Alike:
    """From the pairs of the insight ``duplicates``, else from the edges of the graph."""
    graph = loaded.model.graph
    nearest = graph.distances[:, 0].astype(np.float64) if graph.k else np.zeros(0)
    insight = loaded.insight("duplicates")
    if insight is not None:
        pairs = insight.tables["pairs"]
        pairs = pairs[pairs["tier"] != "same_picture"]
        table = pairs[["row", "other", "distance"]]
        threshold, bound = float(insight.metrics["threshold"]), float(insight.metrics["bound"])
    else:
        table = _edges(loaded)
        bound = float(np.median(nearest)) if len(nearest) else 0.0
        threshold = bound / 2
    table = table.sort_values(["distance", "row", "other"], kind="stable")
    ends = (table["row"].to_numpy(np.int64), table["other"].to_numpy(np.int64))
    return Alike(*ends, table["distance"].to_numpy(np.float64), threshold, max(bound, threshold), nearest)


def _edges(loaded: Loaded) -> pd.DataFrame:
    """Columns row, other, distance: pairs of neighbours with different bytes, each once."""
    graph = loaded.model.graph
    content = pd.factorize(np.asarray(loaded.model.images.sha256, object))[0]
    ends = np.sort(np.stack([np.repeat(np.arange(len(graph)), graph.k), graph.neighbors.ravel()], axis=1), axis=1)
    table = pd.DataFrame({"row": ends[:, 0], "other": ends[:, 1], "distance": graph.distances.ravel()})
    table = table[content[ends[:, 0]] != content[ends[:, 1]]]
    return table.drop_duplicates(["row", "other"])


def histogram(found: Alike, bins: int = BINS) -> pd.DataFrame:
    """Columns low, high, images: how many images have their nearest other one at that distance."""
    if not len(found.nearest):
        return pd.DataFrame({"low": [], "high": [], "images": []})
    images, edges = np.histogram(found.nearest, bins, (0, float(found.nearest.max()) or 1.0))
    return pd.DataFrame({"low": edges[:-1], "high": edges[1:], "images": images})


@per_model(most=16)
def look_alike_groups(loaded: Loaded, threshold: float) -> list[Rows]:
    """Groups at a threshold, the largest first: connected, and no member further than it from the group's centre.

    A component whose images are all near its centre is a group as it is; the others are split by
    `imgsim.insights.duplicates.groups.centred_groups`, so that no chain of likeness joins what is not alike.
    """
    found = alike(loaded)
    count = int(np.searchsorted(found.distance, threshold, side="right"))
    if not count:
        return []
    a, b = found.a[:count], found.b[:count]
    rows, ends = np.unique(np.concatenate([a, b]), return_inverse=True)
    component = _components(ends[:count], ends[count:], len(rows))
    centre = _centres(component, np.bincount(ends, minlength=len(rows)))
    far = _distances(loaded, rows, rows[centre[component]]) > threshold
    chained = np.zeros(int(component.max()) + 1, bool)
    chained[component[far]] = True
    order = np.argsort(component, kind="stable")
    parts = np.split(rows[order], np.flatnonzero(np.diff(component[order])) + 1)
    groups = [part for part, chain in zip(parts, chained, strict=True) if not chain]
    linked = chained[component[ends[:count]]]
    groups += centred_groups(
        a[linked], b[linked], lambda row, near: _distances(loaded, np.full(len(near), row), near) <= threshold
    )
    return sorted(groups, key=lambda group: (-len(group), int(group[0])))


def _components(a: Rows, b: Rows, n: int) -> Rows:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    _, found = connected_components(coo_array((np.ones(len(a), bool), (a, b)), shape=(n, n)), directed=False)
    return np.asarray(found, np.int64)


def _centres(component: Rows, links: Rows) -> Rows:
    """(c,) the place with most links of each component, of equals the first."""
    order = np.lexsort((np.arange(len(component)), -links, component))
    _, first = np.unique(component[order], return_index=True)
    return np.asarray(order[first], np.int64)


def _distances(loaded: Loaded, a: Rows, b: Rows) -> Floats:
    matrix = loaded.model.embeddings
    return np.asarray(np.linalg.norm(matrix[a] - matrix[b], axis=1), np.float64)


def counts(groups: list[Rows]) -> tuple[int, int]:
    """How many groups, and how many images in them."""
    return len(groups), sum(len(group) for group in groups)


def tier_groups(loaded: Loaded, tier: str) -> pd.DataFrame:
    """Rows of the insight's table ``groups`` in one tier, in order of their group."""
    insight = loaded.insight("duplicates")
    if insight is None:
        return frame(TABLES["groups"], {name: [] for name in TABLES["groups"].names})
    table = insight.tables["groups"]
    found = table[table["tier"] == tier]
    return found.sort_values(["group", "keep"], ascending=[True, False], kind="stable")


def groups_page(table: pd.DataFrame, page: int, size: int) -> list[pd.DataFrame]:
    """The groups of one page, the image to keep first."""
    numbers = table["group"].unique()[(page - 1) * size : page * size]
    return [table[table["group"] == number] for number in numbers]


def group_table(loaded: Loaded, groups: list[Rows], first: int = 0) -> pd.DataFrame:
    """Look-alike groups as rows of the insight's table ``groups``, with what to keep and why."""
    facts = _facts(loaded)
    kept, reasons = [], []
    for group in groups:
        keep, why = suggestion(facts, group.tolist())
        kept.append(np.full(len(group), keep))
        reasons += why
    row, keep_row = (np.concatenate([[], *parts]).astype(np.int64) for parts in (groups, kept))
    number = np.repeat(np.arange(first, first + len(groups)), [len(group) for group in groups])
    columns = about(loaded.model.images, row) | {
        "group": number,
        "tier": ["look_alike"] * len(row),
        "keep": row == keep_row,
        "reason": reasons,
        "width": facts.width[row],
        "height": facts.height[row],
        "bytes": facts.bytes[row],
        "sharpness": facts.sharpness[row],
        "distance": _distances(loaded, row, keep_row),
    }
    table = frame(TABLES["groups"], columns)
    return table.sort_values(["group", "keep"], ascending=[True, False], kind="stable")


@per_model()
def _facts(loaded: Loaded) -> Facts:
    """Sizes, bytes and times of the images; sharpness where the insight ``quality`` says it."""
    quality = loaded.insight("quality")
    measures = pd.DataFrame({name: np.full(len(loaded), np.nan, np.float32) for name in MEASURES})
    if quality is not None:
        images = quality.tables["images"].set_index("row")["sharpness"]
        measures["sharpness"] = images.reindex(range(len(loaded))).to_numpy(np.float32)
    return Facts.of(loaded.model.references, Traits(measures, np.empty((0, BYTES), np.uint8)))


def plan(loaded: Loaded, tiers: tuple[str, ...], threshold: float) -> pd.DataFrame:
    """`imgsim.insights.duplicates.cleanup.plan_table` of some tiers, look-alikes at this threshold."""
    parts = [tier_groups(loaded, tier) for tier in CERTAIN if tier in tiers]
    if "look_alike" in tiers:
        first = max((int(part["group"].max()) + 1 for part in parts if len(part)), default=0)
        parts.append(group_table(loaded, look_alike_groups(loaded, threshold), first))
    table = pd.concat([part for part in parts if len(part)]) if any(map(len, parts)) else tier_groups(loaded, "none")
    return plan_table(Insight("duplicates", TABLES, {"groups": table}), tiers)
