"""Balanced choice: as many images of each label as of any other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imgsim.evaluation import label_codes
from imgsim.insights.clusters import RESOLUTION, communities
from imgsim.selection.coverage import nearest_chosen
from imgsim.selection.facility_location import choose

if TYPE_CHECKING:
    from imgsim.io.vectors import Rows
    from imgsim.references.references import References


def choose_balanced(
    references: References, distinct: Rows, n: int, seed: int
) -> tuple[Rows, NDArray[np.float64], Sequence[str]]:
    """Choose n of the ``distinct`` rows evenly over labels, and over clusters where there is no label.

    Returns
    -------
    rows : (n,) int64
        The first of each label, then the second of each, and so on.
    scores : (n,) float64
        Share of the images of its label or cluster that are nearest to each.
    why : sequence of str
    """
    names, groups = _groups(references)
    sizes = np.bincount(groups[distinct], minlength=len(names))
    parts = np.split(np.argsort(groups[distinct], kind="stable"), np.cumsum(sizes)[:-1])
    rounds: list[int] = []
    found: list[tuple[np.int64, np.float64, str]] = []
    for name, count, part in zip(names, even_counts(sizes, n), parts, strict=True):
        if not count:
            continue
        matrix = np.ascontiguousarray(references.embeddings[distinct[part]])
        chosen = choose(matrix, int(count), seed)
        near = np.bincount(nearest_chosen(matrix, chosen)[0], minlength=len(chosen))
        rounds += range(len(chosen))
        why = (f"{name}: stands for {stands:,} of {len(part):,} images" for stands in near)
        found += zip(distinct[part[chosen]], near / len(part), why, strict=True)
    ordered = [found[place] for place in np.argsort(rounds, kind="stable")]
    rows, scores, reasons = zip(*ordered, strict=True)
    return np.array(rows, np.int64), np.array(scores), reasons


def even_counts(sizes: NDArray[np.int64], total: int) -> NDArray[np.int64]:
    """Split ``total`` evenly over groups of these sizes, (g,); small groups give all they have.

    What cannot be split evenly goes to the largest groups.
    """
    counts = np.zeros_like(sizes)
    left = min(total, int(sizes.sum()))
    while left:
        room = np.flatnonzero(counts < sizes)
        each = left // len(room)
        if each:
            given = np.minimum(each, sizes[room] - counts[room])
            counts[room] += given
            left -= int(given.sum())
        else:
            counts[room[np.argsort(-sizes[room], kind="stable")[:left]]] += 1
            left = 0
    return counts


def _groups(references: References) -> tuple[Sequence[str], Rows]:
    """Return names of the groups, and the group of each image, (n,): its label, or its cluster where it has none."""
    names, codes = label_codes(references.images.labels)
    if (codes >= 0).all():
        return names.tolist(), codes
    stored = references.insights.get("clusters")
    if stored is None:
        clusters, _ = communities(references.graph, RESOLUTION, seed=0)
    else:
        clusters = stored.tables["members"]["cluster"].to_numpy(np.int64)
    more = [f"cluster {cluster}" for cluster in range(int(clusters.max()) + 1)]
    return [*names, *more], np.where(codes < 0, len(names) + clusters, codes)
