"""Groups of duplicates, in which every member is similar to the centre, and their table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from imgsim.insights.duplicates.best_copy import ImageProperties, suggestion
from imgsim.insights.duplicates.compare import embedding_distances
from imgsim.insights.tables import about, of_images
from imgsim.references.insight import frame

if TYPE_CHECKING:
    from imgsim.references.references import References

Rows = NDArray[np.int64]
IsSimilar = Callable[[int, Rows], NDArray[np.bool_]]

GROUPS = of_images(
    pa.field("group", pa.int32(), nullable=False),  # from 0, by tier, then size
    pa.field("tier", pa.string(), nullable=False),  # same_bytes, same_picture, look_alike
    pa.field("keep", pa.bool_(), nullable=False),
    pa.field("reason", pa.string(), nullable=False),  # why it is kept, or why not
    pa.field("width", pa.int32(), nullable=False),  # after EXIF rotation
    pa.field("height", pa.int32(), nullable=False),
    pa.field("bytes", pa.int64(), nullable=False),  # 0 for links, and for files that links lead to: they stay
    pa.field("sharpness", pa.float32()),
    pa.field("distance", pa.float32(), nullable=False),  # of embeddings, to the kept one
)
"""Schema of the table ``groups`` of the insight ``duplicates``."""


def centred_groups(a: Rows, b: Rows, is_similar: IsSimilar, weights: Rows | None = None) -> list[Rows]:
    """Group rows that are linked by pairs, such that all rows of a group are similar to its centre.

    Centres are taken by falling weight, then by falling number of links. From a centre links are followed to rows
    that are similar to it; others are left for a group of their own. The time is linear in the number of pairs.

    Parameters
    ----------
    a, b : (m,) int64
        Pairs of rows.
    is_similar : callable
        Takes a row and (c,) others; returns (c,) bool, True for those similar to the first.
    weights : (n,) int64, optional
        Of all rows.

    Returns
    -------
    list of (s,) int64
        Sorted rows of each group, s >= 2; largest first, then by first row.
    """
    rows, ends = np.unique(np.concatenate([a, b]), return_inverse=True)
    links = np.bincount(ends, minlength=len(rows))
    start = np.concatenate([[0], np.cumsum(links)])
    order = np.argsort(ends, kind="stable")
    linked = np.concatenate([ends[len(a) :], ends[: len(a)]])[order]
    free = np.ones(len(rows), bool)
    groups: list[Rows] = []
    heavy = np.zeros(len(rows), np.int64) if weights is None else weights[rows]
    for centre in np.lexsort((-links, -heavy)):
        if not free[centre]:
            continue
        group = _group_around(int(centre), rows, start, linked, free, is_similar)
        if len(group) > 1:
            free[group] = False
            groups.append(np.sort(rows[group]))
    return sorted(groups, key=lambda group: (-len(group), int(group[0])))


def _group_around(
    centre: int, rows: Rows, start: Rows, linked: Rows, free: NDArray[np.bool_], is_similar: IsSimilar
) -> NDArray[np.int64]:
    """Return the centre and the free rows connected with it by links between rows that are similar to it."""
    seen, group = {centre}, [centre]
    frontier = group
    while frontier:
        near = {int(end) for row in frontier for end in linked[start[row] : start[row + 1]] if free[end]} - seen
        seen |= near
        ends = np.array(sorted(near), np.int64)
        frontier = ends[is_similar(int(rows[centre]), rows[ends])].tolist() if len(ends) else []
        group = group + frontier
    return np.array(group, np.int64)


def groups_table(
    references: References, properties: ImageProperties, found: Sequence[tuple[str, list[Rows]]]
) -> pd.DataFrame:
    """Make the table ``groups`` of the insight ``duplicates``, with the image to keep and the reasons.

    ``found`` holds tiers with the sorted rows of their groups.
    """
    numbers: list[Rows] = []
    rows: list[Rows] = []
    keeps: list[Rows] = []
    tiers: list[str] = []
    reasons: list[str] = []
    for tier, group in ((tier, group) for tier, groups in found for group in groups):
        kept, why = suggestion(properties, group.tolist())
        numbers.append(np.full(len(group), len(numbers)))
        tiers += [tier] * len(group)
        rows.append(group)
        keeps.append(np.full(len(group), kept))
        reasons += why
    row, keep, number = (np.concatenate([[], *part]).astype(np.int64) for part in (rows, keeps, numbers))
    columns = about(references.images, row) | {
        "group": number,
        "tier": tiers,
        "keep": row == keep,
        "reason": reasons,
        "width": properties.width[row],
        "height": properties.height[row],
        "bytes": np.where((row == keep) | ~properties.linked[row], properties.bytes[row], 0),
        "sharpness": properties.sharpness[row],
        "distance": embedding_distances(references, row, keep),
    }
    return frame(GROUPS, columns)
