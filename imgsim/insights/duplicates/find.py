"""Duplicates in three separate tiers: same bytes, same picture, look-alike.

- ``same_bytes``: files of equal sha256.
- ``same_picture``: re-encoded, resized or turned by EXIF, and on request mirrored or rotated: neighbours in the graph
  whose thumbnails agree (`imgsim.insights.descriptor`), and whose files do so at full size
  (`imgsim.insights.duplicates.full_size`).
- ``look_alike``: neighbours at an unusually small distance for this collection.

Each tier is searched among the images that the tier before keeps. So a file is in at most one group per tier. Every
member of a group is similar to its centre (`imgsim.insights.duplicates.groups`), so groups cannot grow as chains.
Blank pictures (almost one grey) show too little to compare and can only be in ``same_bytes``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from imgsim import arguments
from imgsim.insights.descriptor import TURNS, is_blank
from imgsim.insights.duplicates.best_copy import ImageProperties, suggestion
from imgsim.insights.duplicates.compare import compare_pairs, embedding_distances, smallest_differences
from imgsim.insights.duplicates.full_size import FullSizeCheck
from imgsim.insights.duplicates.groups import GROUPS, centred_groups, groups_table
from imgsim.insights.duplicates.links import find_links
from imgsim.insights.duplicates.look_alikes import calibrated_threshold, near_groups, nearest_distances
from imgsim.insights.duplicates.pairs import first_of_content, neighbor_pairs, turned_pairs
from imgsim.insights.measures import Traits, require_rows
from imgsim.insights.tables import about, of_images
from imgsim.io.paths import absolute
from imgsim.references.insight import Insight, frame

if TYPE_CHECKING:
    from pathlib import Path

    from imgsim.references.references import References

TABLES: dict[str, pa.Schema] = {
    "groups": GROUPS,
    "pairs": of_images(
        pa.field("other", pa.int32(), nullable=False),  # a higher row than ``row``, with other bytes
        pa.field("other_path", pa.string(), nullable=False),
        pa.field("other_label", pa.string()),
        pa.field("tier", pa.string(), nullable=False),  # same_picture, look_alike, neighbor (further away)
        pa.field("distance", pa.float32(), nullable=False),
        pa.field("difference", pa.float32()),  # of the thumbnails, 1 is the limit; null where not compared
        pa.field("turn", pa.string(), nullable=False),  # orientation of the other one: upright, mirrored, rotated 90...
    ),
}

Rows = NDArray[np.int64]
Floats = NDArray[np.float32]

TIERS = ("same_bytes", "same_picture", "look_alike")
FLIPS, ROTATIONS, BOTH = (1, 2), (3, 5, 6), (4, 7)
"""Positions in `imgsim.insights.descriptor.TURNS`."""


def find_duplicates(
    references: References,
    traits: Traits,
    *,
    flips: bool = False,
    rotations: bool = False,
    threshold: float | None = None,
    root: str | Path | None = None,
    progress: bool = False,
) -> Insight:
    """Find groups of duplicate images, and suggest which image of each to keep.

    Parameters
    ----------
    references : References
    traits : Traits
        Of the same images (`imgsim.insights.measures.measure_traits`).
    flips : bool
        Count a mirrored picture as the same picture.
    rotations : bool
        Count a picture with pixels turned by 90, 180 or 270 degrees as the same picture. (One turned by EXIF always
        is.)
    threshold : float, optional
        Largest distance of embeddings of look-alikes; by default
        `imgsim.insights.duplicates.look_alikes.calibrated_threshold`.
    root : str or Path, optional
        Folder of the files; default: the one that the images were loaded from (a saved model does not know it).
    progress : bool
        Show a progress bar on stderr if comparing files takes more than a second.

    Returns
    -------
    Insight
        ``duplicates``: tables ``groups`` and ``pairs`` (see `TABLES`). ``pairs`` holds every pair of neighbours up to
        the distance ``metrics["bound"]``, so that `imgsim.insights.duplicates.look_alikes` can group them at any
        threshold below. ``metrics["unchecked"]`` counts the pairs of low information whose files cannot be read: they
        are not called the same picture.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        ``threshold`` is no distance.
    ModelFormatError
        ``traits`` are of other images.
    """
    require_rows(references, traits)
    threshold = arguments.optional_radius(threshold, "threshold")
    root = None if root is None else absolute(root, "root")
    sharpness = traits.measures["sharpness"].to_numpy(np.float32)
    properties = ImageProperties.of(references, sharpness, find_links(references.images, root))
    turns = [0, *(FLIPS if flips else ()), *(ROTATIONS if rotations else ()), *(BOTH if flips and rotations else ())]
    first = first_of_content(references.images.sha256)
    bytes_groups = _same_bytes_groups(first)
    kept_of_first = _kept_rows(bytes_groups, properties, first)
    pairs = compare_pairs(references, traits, kept_of_first[neighbor_pairs(references, first)], turns)
    if len(turns) > 1:
        extra = turned_pairs(traits.descriptors, np.unique(kept_of_first[traits.known]), turns)
        more = compare_pairs(references, traits, extra, turns)
        pairs = pd.concat([pairs, more[more["difference"] <= 1]]).drop_duplicates(["row", "other"])
    files = FullSizeCheck(references, traits, root, progress)
    same = pairs[pairs["difference"] <= 1]
    same = same[files.same(*(same[name].to_numpy(np.int64) for name in ("row", "other", "turn")))]
    pictures = _same_picture_groups(traits, turns, files, properties, same)
    near = _pairs_of_kept(references, traits, pairs, _kept_rows(pictures, properties, kept_of_first))
    limit = calibrated_threshold(near) if threshold is None else threshold
    bound = max(limit, float(nearest_distances(near).median()) if len(near) else 0.0)
    table = _pairs_table(references, same, near[near["distance"] <= bound], limit)
    linked = near[near["distance"] <= limit]
    alike = near_groups(references, linked["row"].to_numpy(np.int64), linked["other"].to_numpy(np.int64), limit)
    found = [("same_bytes", bytes_groups), ("same_picture", pictures), ("look_alike", alike)]
    groups = groups_table(references, properties, found)
    metrics = _metrics(groups) | {"threshold": limit, "bound": bound, "blank": float(_blank(traits).sum())}
    metrics["unchecked"] = float(files.unchecked)
    asked: dict[str, Any] = {"flips": flips, "rotations": rotations, "threshold": threshold}
    return Insight("duplicates", TABLES, {"groups": groups, "pairs": table}, metrics, asked)


def _same_picture_groups(
    traits: Traits, turns: Sequence[int], files: FullSizeCheck, properties: ImageProperties, same: pd.DataFrame
) -> list[Rows]:
    """Group confirmed pairs around the largest pictures: a small one cannot tell two large ones apart."""

    def is_similar(centre: int, rows: Rows) -> NDArray[np.bool_]:
        a, b = np.minimum(rows, centre), np.maximum(rows, centre)
        difference, turn = smallest_differences(traits.descriptors, a, b, turns)
        similar = difference <= 1
        similar[similar] = files.same(a[similar], b[similar], turn[similar])
        return np.asarray(similar)

    pixels = properties.width.astype(np.int64) * properties.height
    return centred_groups(same["row"].to_numpy(), same["other"].to_numpy(), is_similar, pixels)


def _same_bytes_groups(first: Rows) -> list[Rows]:
    order = np.argsort(first, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(first[order])) + 1)
    return sorted((g for g in groups if len(g) > 1), key=lambda group: (-len(group), int(group[0])))


def _kept_rows(groups: Sequence[Rows], properties: ImageProperties, before: Rows) -> Rows:
    """Return for each row the one kept in its place, (n,): that of its group; ``before`` are those kept so far."""
    stands = np.arange(len(before))
    for group in groups:
        stands[group] = suggestion(properties, group.tolist())[0]
    return np.asarray(stands[before])


def _blank(traits: Traits) -> NDArray[np.bool_]:
    return np.asarray(is_blank(traits.descriptors) & traits.known)


def _pairs_of_kept(references: References, traits: Traits, pairs: pd.DataFrame, kept: Rows) -> pd.DataFrame:
    """Replace both rows of each pair by the kept ones; drop repeated pairs and blank pictures."""
    ends = np.sort(kept[pairs[["row", "other"]].to_numpy()], axis=1)
    blank = _blank(traits)
    good = (ends[:, 0] < ends[:, 1]) & ~blank[ends].any(axis=1)
    moved = (ends != pairs[["row", "other"]].to_numpy()).any(axis=1)
    near = pairs.assign(row=ends[:, 0], other=ends[:, 1]).assign(difference=pairs["difference"].where(~moved))
    near = near[good].sort_values(["row", "other", "difference"]).drop_duplicates(["row", "other"])
    return near.assign(distance=embedding_distances(references, near["row"].to_numpy(), near["other"].to_numpy()))


def _pairs_table(references: References, same: pd.DataFrame, near: pd.DataFrame, limit: float) -> pd.DataFrame:
    near = near.assign(tier=np.where(near["distance"] <= limit, "look_alike", "neighbor"))
    both = pd.concat([same.assign(tier="same_picture"), near]).reset_index(drop=True)
    both = both.drop_duplicates(["row", "other"]).sort_values(["tier", "distance", "row", "other"])
    other = about(references.images, both["other"])
    columns = about(references.images, both["row"]) | {
        "other": other["row"],
        "other_path": other["path"],
        "other_label": other["label"],
        "tier": both["tier"].tolist(),
        "distance": both["distance"].to_numpy(np.float32),
        "difference": both["difference"].to_numpy(np.float32),
        "turn": [TURNS[turn] for turn in both["turn"]],
    }
    return frame(TABLES["pairs"], columns)


def _metrics(groups: pd.DataFrame) -> dict[str, float]:
    """Count groups, images besides the kept ones, and the bytes of those, by tier."""
    metrics: dict[str, float] = {}
    for tier in TIERS:
        spare = groups[(groups["tier"] == tier) & ~groups["keep"]]
        metrics[f"{tier}_groups"] = float(spare["group"].nunique())
        metrics[f"{tier}_images"] = float(len(spare))
        metrics[f"{tier}_bytes"] = float(spare["bytes"].sum())
    return metrics


def tiles(table: pd.DataFrame) -> list[tuple[int, str]]:
    """Return rows with group and tier."""
    return [(r.row, f"{r.group}{' keep' * r.keep}: {r.tier}") for r in table.itertuples()]
