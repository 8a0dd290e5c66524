"""Connected components that cannot become chains: every member agrees with the group's centre."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]
Agrees = Callable[[int, Rows], NDArray[np.bool_]]


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
