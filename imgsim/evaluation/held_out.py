"""Figures of a metric that was learnt from labels: beside those without labels, and for classes it did not know."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from imgsim.evaluation.classes import BACKGROUND, asked_classes, label_codes, label_scores, queries_of
from imgsim.evaluation.intervals import SHARED_NEIGHBORS
from imgsim.evaluation.metrics import with_bounds

Neighbors = NDArray[np.int32]
Rows = NDArray[np.int64]


def compared_with_label_free(
    learnt: Neighbors,
    label_free: Neighbors,
    labels: Sequence[str | None],
    pictures: Rows,
    taught: Collection[str],
    background: Sequence[str] = BACKGROUND,
) -> dict[str, float]:
    """Measure precision of a learnt metric by classes, and of the metric without labels at the same queries.

    Parameters
    ----------
    learnt, label_free : (n, k) int32
        Nearest other pictures of each row, by fits that have not seen its label; rows of -1 are no queries.
    labels : sequence of n
    pictures : (n,) int64
        Equal numbers for rows of the same picture.
    taught : collection of str
        Labels that the metric was learnt from.
    background : sequence of str
        Labels that are no queries.

    Returns
    -------
    dict
        ``precision_at_<k>_label_free``; where there are queries of labels that were not taught also
        ``precision_at_<k>_seen``, ``..._seen_label_free``, ``..._unseen`` and ``..._unseen_label_free``. Each with
        ``_low`` and ``_high``.
    """
    names, codes = label_codes(labels)
    query = asked_classes(names, codes, pictures, background=background)[codes] & (learnt[:, 0] >= 0)
    if not query.any():
        return {}
    queries, k = queries_of(codes[query], pictures[query]), learnt.shape[1]
    after, before = (queries.mean(label_scores(codes, found, query, pictures)[0]) for found in (learnt, label_free))
    name, found = f"precision_at_{k}", with_bounds(f"precision_at_{k}_label_free", before, SHARED_NEIGHBORS)
    seen = np.isin(names[queries.codes].astype(str), list(taught))
    if seen.all():
        return found
    for what, chosen in (("seen", seen), ("unseen", ~seen)):
        if chosen.any():
            found |= with_bounds(f"{name}_{what}", after[chosen], SHARED_NEIGHBORS)
            found |= with_bounds(f"{name}_{what}_label_free", before[chosen], SHARED_NEIGHBORS)
    return found
