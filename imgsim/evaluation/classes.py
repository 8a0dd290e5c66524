"""Labels among the neighbours of images: scores of each query, precision by rank, confusion of labels.

Every function takes the neighbour graph of n images and their labels; None stands for an image without label.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from imgsim.arguments import DEFAULT_K
from imgsim.neighbors.graph import NeighborGraph

BACKGROUND = ("BACKGROUND_Google",)
Z95 = 1.959964


def label_codes(labels: Sequence[str | None]) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    """Return the distinct labels, sorted, and (n,) the position of each image's label in them, -1 without one."""
    codes, names = pd.factorize(np.asarray(labels, object), sort=True)
    return np.asarray(names, object), codes.astype(np.int64)


def label_scores(
    codes: NDArray[np.int64], neighbors: NDArray[np.int32], query: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Compute precision, average precision and 1-NN hit of each query, (q,) each.

    Average precision at k is the sum over ranks i of precision at i where rank i is relevant, over
    the smaller of k and the number of other images with the query's label.

    Parameters
    ----------
    codes : (n,) int64
        Label of each image as a number, -1 for none.
    neighbors : (n, k) int32
    query : (n,) bool
        Images with a label that are queries.
    """
    hits = _hits(codes, neighbors, query)
    others = np.bincount(codes[codes >= 0])[codes[query]] - 1
    average = (_precision_at_ranks(hits) * hits).sum(axis=1) / np.minimum(hits.shape[1], others)
    return hits.mean(axis=1), average, hits[:, 0]


def precision_by_rank(
    graph: NeighborGraph, labels: Sequence[str | None], k: int = DEFAULT_K, classes: Sequence[str] | None = None
) -> pd.DataFrame:
    """Compute precision at every rank up to ``k``, with 95 % intervals.

    Parameters
    ----------
    graph : NeighborGraph
        Over n images.
    labels : sequence of n
        None entries are never queries.
    k : int
        Neighbours that count, at most those of the graph.
    classes : sequence of str, optional
        Labels whose images are queries; by default those that `evaluate` asks with.

    Returns
    -------
    DataFrame
        Columns k (from 1), precision, low, high; no rows where there is no query.
    """
    names, codes = label_codes(labels)
    query = asked_classes(names, codes, classes)[codes]
    hits = _hits(codes, graph.neighbors[:, :k], query)
    if not hits.size:
        return pd.DataFrame({"k": [], "precision": [], "low": [], "high": []})
    precision, low, high = mean_interval(_precision_at_ranks(hits))
    ranks = np.arange(1, hits.shape[1] + 1)
    return pd.DataFrame({"k": ranks, "precision": precision, "low": low, "high": high})


@dataclass(frozen=True)
class Confusion:
    """Labels that the neighbours of each label's images carry.

    Parameters
    ----------
    own : Series
        Label to the share of neighbours that carry it, too.
    pairs : DataFrame
        Columns label, other (another label), share (of the neighbours of ``label``) and count, the largest share
        first.
    k : int
        Neighbours of each image that were counted.
    """

    own: pd.Series[float]
    pairs: pd.DataFrame
    k: int


def confusion(
    graph: NeighborGraph, labels: Sequence[str | None], k: int = DEFAULT_K, classes: Sequence[str] | None = None
) -> Confusion | None:
    """Count the labels of the neighbours of each label's images.

    Parameters
    ----------
    graph, labels, k, classes
        As in `precision_by_rank`.

    Returns
    -------
    Confusion or None
        None with fewer than two labels, or without any query.
    """
    names, codes = label_codes(labels)
    asked, k = asked_classes(names, codes, classes), min(k, graph.k)
    query, width = asked[codes], len(names)
    if width < 2 or not k or not query.any():
        return None
    listed = codes[graph.neighbors[query, :k]]
    found, counts = np.unique(codes[query][:, None] * (width + 1) + listed + 1, return_counts=True)
    label, other = np.divmod(found, width + 1)
    shares = counts / (np.bincount(codes[query], minlength=width)[label] * k)
    named = np.array([None, *names], object)
    table = pd.DataFrame({"label": names[label], "other": named[other], "share": shares, "count": counts})
    same = label + 1 == other
    own = np.zeros(width)
    own[label[same]] = shares[same]
    pairs = table[~same & (other > 0)].sort_values(["share", "count"], ascending=False, kind="stable")
    return Confusion(pd.Series(own, list(names))[asked[:-1]], pairs.reset_index(drop=True), k)


def images_of_class(
    graph: NeighborGraph, labels: Sequence[str | None], label: str, other: str | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find the images of a label, hardest first, and count their neighbours of the same label.

    Parameters
    ----------
    graph : NeighborGraph
    labels : sequence of n
    label : str
    other : str, optional
        Count neighbours of this label instead, and leave out images that have none; those with most of them first.

    Returns
    -------
    rows, counts : (m,) int64
        Empty for a label that no image has.
    """
    names = np.asarray(labels, object)
    rows = np.flatnonzero(names == label)
    counts = (names[graph.neighbors[rows]] == (other or label)).sum(axis=1)
    order = np.argsort(-counts if other else counts, kind="stable")
    order = order[counts[order] > 0] if other else order
    return rows[order], counts[order]


def mean_interval(
    values: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return mean, lower and upper end of its 95 % interval over the first axis of shares (0 to 1)."""
    mean = values.mean(axis=0)
    half = Z95 * values.std(axis=0) / max(1, len(values)) ** 0.5
    return mean, np.maximum(mean - half, 0.0), np.minimum(mean + half, 1.0)


def asked_classes(
    names: NDArray[np.object_],
    codes: NDArray[np.int64],
    classes: Sequence[str] | None = None,
    background: Sequence[str] = BACKGROUND,
) -> NDArray[np.bool_]:
    """(c + 1,) true for labels whose images are queries; the last entry is for images without label.

    By default all but ``background`` and labels of one image only, which no search can find.
    """
    if classes is not None:
        return np.append(pd.Index(names).isin(classes), False)
    several = np.bincount(codes[codes >= 0], minlength=len(names)) > 1
    return np.append(several & ~pd.Index(names).isin(background), False)


def _hits(codes: NDArray[np.int64], neighbors: NDArray[np.int32], query: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(q, k) 1 where a neighbour carries the label of the query."""
    return np.asarray(codes[neighbors[query]] == codes[query][:, None], np.float64)


def _precision_at_ranks(hits: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.cumsum(hits, axis=1) / np.arange(1, hits.shape[1] + 1))
