"""Labels among the neighbours of images: scores of each query, precision by rank, confusion of labels.

Every function takes the neighbours of n images and their labels; None stands for an image without label. Copies of
a picture are left out where the graph is that of `imgsim.evaluation.nearest_pictures`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from imgsim.arguments import DEFAULT_K
from imgsim.evaluation.intervals import SHARED_NEIGHBORS, mean_interval
from imgsim.neighbors.graph import NeighborGraph

BACKGROUND = ("BACKGROUND_Google",)
Codes = NDArray[np.int64]
Values = NDArray[np.float64]


def label_codes(labels: Sequence[str | None]) -> tuple[NDArray[np.object_], Codes]:
    """Return the distinct labels, sorted, and (n,) the position of each image's label in them, -1 without one."""
    codes, names = pd.factorize(np.asarray(labels, object), sort=True)
    return np.asarray(names, object), codes.astype(np.int64)


@dataclass(frozen=True)
class Queries:
    """Queries of an evaluation: images of one picture with one label are one.

    Parameters
    ----------
    codes : (q,) int64
        Label of each query.
    of_image : (m,) int64
        Query that each image belongs to.
    """

    codes: Codes
    of_image: Codes

    def mean(self, values: Values) -> Values:
        """Average the values of images, (m, ...), over each query, (q, ...)."""
        sums = np.zeros((len(self.codes), *values.shape[1:]))
        np.add.at(sums, self.of_image, values)
        counts = np.bincount(self.of_image, minlength=len(self.codes))
        return np.asarray(sums / counts.reshape(-1, *[1] * (values.ndim - 1)))


def queries_of(codes: Codes, pictures: Codes | None = None) -> Queries:
    """Return the queries that images are; ``codes`` and ``pictures``, (m,), are their labels and pictures."""
    if pictures is None:
        return Queries(codes, np.arange(len(codes)))
    width = int(codes.max(initial=0)) + 1
    pairs, of_image = np.unique(pictures * width + codes, return_inverse=True)
    return Queries(pairs % width, of_image.reshape(-1))


def label_scores(
    codes: Codes, neighbors: NDArray[np.int32], query: NDArray[np.bool_], pictures: Codes | None = None
) -> tuple[Values, Values, Values]:
    """Compute precision, average precision and 1-NN hit of each query, (q,) each.

    Average precision at k is the sum over ranks i of precision at i where rank i is relevant, over
    the smaller of k and the number of other pictures with the query's label.

    Parameters
    ----------
    codes : (n,) int64
        Label of each image as a number, -1 for none.
    neighbors : (n, k) int32
    query : (n,) bool
        Images with a label that are queries.
    pictures : (n,) int64, optional
        Equal numbers for images of the same picture; default: every image is a picture of its own.
    """
    hits = _hits(codes, neighbors, query)
    others = pictures_per_label(codes, pictures)[codes[query]] - 1
    average = (_precision_at_ranks(hits) * hits).sum(axis=1) / np.minimum(hits.shape[1], others)
    return hits.mean(axis=1), average, hits[:, 0]


def precision_by_rank(
    graph: NeighborGraph,
    labels: Sequence[str | None],
    k: int = DEFAULT_K,
    classes: Sequence[str] | None = None,
    pictures: Codes | None = None,
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
    pictures : (n,) int64, optional
        Equal numbers for images of the same picture; those with one label are one query.

    Returns
    -------
    DataFrame
        Columns k (from 1), precision, low, high; no rows where there is no query.
    """
    names, codes = label_codes(labels)
    query = asked_classes(names, codes, pictures, classes=classes)[codes]
    hits = _hits(codes, graph.neighbors[:, :k], query)
    if not hits.size:
        return pd.DataFrame({"k": [], "precision": [], "low": [], "high": []})
    queries = queries_of(codes[query], None if pictures is None else pictures[query])
    precision, low, high = mean_interval(queries.mean(_precision_at_ranks(hits)), SHARED_NEIGHBORS)
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
    graph: NeighborGraph,
    labels: Sequence[str | None],
    k: int = DEFAULT_K,
    classes: Sequence[str] | None = None,
    pictures: Codes | None = None,
) -> Confusion | None:
    """Count the labels of the neighbours of each label's images.

    Parameters
    ----------
    graph, labels, k, classes, pictures
        As in `precision_by_rank`.

    Returns
    -------
    Confusion or None
        None with fewer than two labels, or without any query.
    """
    names, codes = label_codes(labels)
    asked, k = asked_classes(names, codes, pictures, classes=classes), min(k, graph.k)
    query, width = asked[codes], len(names)
    if width < 2 or not k or not query.any():
        return None
    query = _first_of_each(codes, pictures, query)
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
) -> tuple[Codes, Codes]:
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


def labels_met(graph: NeighborGraph, labels: Sequence[str | None], rows: Codes) -> dict[str, int]:
    """Count the labels of the neighbours of images, most frequent first; neighbours without a label do not count.

    Parameters
    ----------
    graph : NeighborGraph
    labels : sequence of n
    rows : (m,) int64
        Of the images.
    """
    names = np.asarray(labels, object)
    counts: dict[str, int] = pd.Series(names[graph.neighbors[rows]].ravel(), dtype=object).value_counts().to_dict()
    return counts


def asked_classes(
    names: NDArray[np.object_],
    codes: Codes,
    pictures: Codes | None = None,
    *,
    classes: Sequence[str] | None = None,
    background: Sequence[str] = BACKGROUND,
) -> NDArray[np.bool_]:
    """(c + 1,) true for labels whose images are queries; the last entry is for images without label.

    By default all but ``background`` and labels of one picture only, which no search can find.
    """
    if classes is not None:
        return np.append(pd.Index(names).isin(classes), False)
    several = pictures_per_label(codes, pictures, len(names)) > 1
    return np.append(several & ~pd.Index(names).isin(list(background)), False)


def _first_of_each(codes: Codes, pictures: Codes | None, query: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Keep the first image of each query, (n,) bool."""
    rows = np.flatnonzero(query)
    _, first = np.unique(
        queries_of(codes[rows], None if pictures is None else pictures[rows]).of_image, return_index=True
    )
    kept = np.zeros(len(query), bool)
    kept[rows[first]] = True
    return kept


def pictures_per_label(codes: Codes, pictures: Codes | None = None, labels: int = 0) -> Codes:
    """Count the different pictures of each label, (c,) with c at least ``labels``."""
    known = codes >= 0
    found = queries_of(codes[known], None if pictures is None else pictures[known])
    return np.bincount(found.codes, minlength=labels)


def _hits(codes: Codes, neighbors: NDArray[np.int32], query: NDArray[np.bool_]) -> Values:
    """(q, k) 1 where a neighbour carries the label of the query."""
    return np.asarray(codes[neighbors[query]] == codes[query][:, None], np.float64)


def _precision_at_ranks(hits: Values) -> Values:
    return np.asarray(np.cumsum(hits, axis=1) / np.arange(1, hits.shape[1] + 1))
