"""Groups of duplicates: connected components without chains (members agree with the centre), and their table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from imgsim.insights.duplicates.best_copy import Facts, suggestion
from imgsim.insights.duplicates.compare import distances
from imgsim.insights.tables import about, of_images
from imgsim.references.insight import frame

if TYPE_CHECKING:
    from imgsim.references.references import References

Rows = NDArray[np.int64]
Agrees = Callable[[int, Rows], NDArray[np.bool_]]

GROUPS = of_images(
    pa.field("group", pa.int32(), nullable=False),  # from 0, by tier, then size
    pa.field("tier", pa.string(), nullable=False),  # same_bytes, same_picture, look_alike
    pa.field("keep", pa.bool_(), nullable=False),
    pa.field("reason", pa.string(), nullable=False),  # why it is kept, or what the kept one has over it
    pa.field("width", pa.int32(), nullable=False),  # upright
    pa.field("height", pa.int32(), nullable=False),
    pa.field("bytes", pa.int64(), nullable=False),
    pa.field("sharpness", pa.float32()),
    pa.field("distance", pa.float32(), nullable=False),  # of embeddings, to the kept one
)
"""Schema of the table ``groups`` of the insight ``duplicates``."""


def centred_groups(a: Rows, b: Rows, agrees: Agrees) -> list[Rows]:
    """Groups of rows linked by pairs, each within reach of its own centre.

    From the row with most links on, links are followed as long as what they lead to agrees with that row;
    what does not is left for a group of its own. Linear in the number of pairs.

    Parameters
    ----------
    a, b : (m,) int64
        Pairs of rows.
    agrees : callable
        A row and (c,) others to (c,) bool: whether each is like the first.

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
    for centre in np.argsort(-links, kind="stable"):
        if not free[centre]:
            continue
        group = _reached(int(centre), rows, start, linked, free, agrees)
        if len(group) > 1:
            free[group] = False
            groups.append(np.sort(rows[group]))
    return sorted(groups, key=lambda group: (-len(group), int(group[0])))


def _reached(
    centre: int, rows: Rows, start: Rows, linked: Rows, free: NDArray[np.bool_], agrees: Agrees
) -> NDArray[np.int64]:
    """The centre and the free rows to which links lead without leaving what agrees with it."""
    seen, group = {centre}, [centre]
    frontier = group
    while frontier:
        near = {int(end) for row in frontier for end in linked[start[row] : start[row + 1]] if free[end]} - seen
        seen |= near
        ends = np.array(sorted(near), np.int64)
        frontier = ends[agrees(int(rows[centre]), rows[ends])].tolist() if len(ends) else []
        group = group + frontier
    return np.array(group, np.int64)


def groups_table(references: References, facts: Facts, found: Sequence[tuple[str, list[Rows]]]) -> pd.DataFrame:
    """Make the table ``groups`` of the insight ``duplicates`` of tiers and their groups, with what to keep and why."""
    numbers: list[Rows] = []
    rows: list[Rows] = []
    keeps: list[Rows] = []
    tiers: list[str] = []
    reasons: list[str] = []
    for tier, group in ((tier, group) for tier, groups in found for group in groups):
        kept, why = suggestion(facts, group.tolist())
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
        "width": facts.width[row],
        "height": facts.height[row],
        "bytes": facts.bytes[row],
        "sharpness": facts.sharpness[row],
        "distance": distances(references, row, keep),
    }
    return frame(GROUPS, columns)
