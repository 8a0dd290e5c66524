"""Clusters: communities of similar images in the neighbour graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from imgsim import arguments
from imgsim.errors import ArgumentError
from imgsim.insights.distinct import distinct_pictures
from imgsim.insights.tables import about, of_images
from imgsim.neighbors.graph import NeighborGraph
from imgsim.references.insight import Insight, frame

if TYPE_CHECKING:
    import pandas as pd

    from imgsim.insights.measures import Traits
    from imgsim.references.references import References

TABLES: dict[str, pa.Schema] = {
    "clusters": pa.schema(
        [
            pa.field("cluster", pa.int32(), nullable=False),  # from 0, the biggest first
            pa.field("size", pa.int32(), nullable=False),
            pa.field("row", pa.int32(), nullable=False),  # of the representative image
            pa.field("path", pa.string(), nullable=False),
            pa.field("common_label", pa.string()),
            pa.field("purity", pa.float32()),  # share of the labelled images with that label; null without labels
        ]
    ),
    "members": of_images(pa.field("cluster", pa.int32(), nullable=False)),
}

RESOLUTION = 2.0
ITERATIONS = 2

Groups = NDArray[np.int64]


def find_clusters(references: References, traits: Traits, resolution: float = RESOLUTION, seed: int = 0) -> Insight:
    """Split the collection into communities of its graph, with a representative image each.

    The Leiden algorithm (Traag, Waltman, van Eck 2019) maximises modularity, by graspologic-native. An edge
    weighs 2 between images that are each other's neighbours, and 1 where only one is a neighbour of the other.
    Compared with Louvain, label propagation, Infomap and HDBSCAN (table in ``tests/benchmarks/insights.py``) it
    is as good as the best, takes a tenth of a CPU second, and has a free licence. It leaves no image out as noise
    (HDBSCAN: 40 to 69 %). Copies of one picture count as one (`imgsim.insights.distinct`) and share its cluster.

    Parameters
    ----------
    references : References
    traits : Traits
        Of the same images, to find the copies.
    resolution : float
        Above 0; higher finds more and smaller clusters.
    seed : int
        Equal seeds give equal clusters.

    Returns
    -------
    Insight
        ``clusters``: table ``clusters``, the biggest first, with the row and path of the representative (the
        neighbour of most images of its cluster), the most common label and its share; table ``members`` in row
        order. Metrics: ``clusters``, ``largest``, ``modularity``, and with labels ``purity`` (share of labelled
        images that have the most common label of their cluster).

    Raises
    ------
    ArgumentError
        ``resolution`` is not above 0.
    """
    if not resolution > 0:
        raise ArgumentError(f"resolution must be above 0, not {resolution!r}.")
    seed = arguments.seed(seed)
    distinct = distinct_pictures(references, traits)
    found, modularity = communities(distinct.graph, resolution, seed)
    groups = _biggest_first(found[distinct.picture])
    count = int(groups.max(initial=-1)) + 1
    sizes = np.bincount(groups, minlength=count)
    rows = distinct.first[representatives(distinct.graph, groups[distinct.first])]
    labels, hits, labelled = _common_labels(references.images.labels, groups, count)
    columns = {
        "cluster": np.arange(count),
        "size": sizes,
        **about(references.images, rows),
        "common_label": labels,
        "purity": np.where(labelled > 0, hits / np.maximum(labelled, 1), np.nan),
    }
    members = {**about(references.images, np.arange(len(groups))), "cluster": groups}
    metrics = {"clusters": count, "largest": int(sizes.max(initial=0)), "modularity": modularity}
    if labelled.any():
        metrics["purity"] = float(hits.sum() / labelled.sum())
    tables = {"clusters": frame(TABLES["clusters"], columns), "members": frame(TABLES["members"], members)}
    return Insight(
        "clusters", TABLES, tables, metrics, {"k": references.graph.k, "resolution": float(resolution), "seed": seed}
    )


def communities(graph: NeighborGraph, resolution: float, seed: int) -> tuple[Groups, float]:
    """Return the community of each row, (n,), and the modularity of the split."""
    n = len(graph)
    if not graph.k:
        return np.arange(n), 0.0
    from graspologic_native import leiden_csr
    from scipy.sparse import csr_matrix

    starts = np.arange(0, n * graph.k + 1, graph.k)
    listed = csr_matrix((np.ones(graph.neighbors.size), graph.neighbors.reshape(-1), starts), (n, n))
    ties = listed + listed.T
    ties.sort_indices()
    modularity, found = leiden_csr(
        ties.indptr.astype(np.int64),
        ties.indices.astype(np.int32),
        ties.data,
        n,
        resolution=resolution,
        iterations=ITERATIONS,
        seed=seed,
    )
    groups = np.empty(n, np.int64)
    groups[np.fromiter(found.keys(), np.int64, n)] = np.fromiter(found.values(), np.int64, n)
    return groups, float(modularity)


def representatives(graph: NeighborGraph, groups: Groups) -> NDArray[np.int64]:
    """Return the representative row of each group, (c,).

    It is the neighbour of most rows of its group; of equals, the one at the smallest mean distance.
    """
    n = len(graph)
    lister, listed = np.repeat(np.arange(n), graph.k), graph.neighbors.reshape(-1)
    inside = groups[lister] == groups[listed]
    votes = np.bincount(listed[inside], minlength=n)
    distance = np.bincount(listed[inside], graph.distances.reshape(-1)[inside], minlength=n) / np.maximum(votes, 1)
    order = np.lexsort((np.arange(n), distance, -votes, groups))
    _, first = np.unique(groups[order], return_index=True)
    return order[first]


def _biggest_first(groups: Groups) -> Groups:
    """Renumber the groups 0, 1, ... by falling size, those of equal size by their first row."""
    _, first, inverse, sizes = np.unique(groups, return_index=True, return_inverse=True, return_counts=True)
    number = np.empty(len(sizes), np.int64)
    number[np.lexsort((first, -sizes))] = np.arange(len(sizes))
    return number[inverse]


def _common_labels(
    labels: Sequence[str | None], groups: Groups, count: int
) -> tuple[list[str | None], NDArray[np.int64], NDArray[np.int64]]:
    """Return per group the most common label, the number of its images, and the number of labelled images.

    Of labels that are equally common the first by name is taken.
    """
    names = sorted({label for label in labels if label is not None})
    code_of = {name: code for code, name in enumerate(names)}
    known = np.array([label is not None for label in labels], bool)
    codes = np.array([code_of[label] for label in labels if label is not None], np.int64)
    labelled = np.bincount(groups[known], minlength=count)
    pairs, hits = np.unique(groups[known] * max(1, len(names)) + codes, return_counts=True)
    group, code = np.divmod(pairs, max(1, len(names)))
    order = np.lexsort((code, -hits, group))
    found, first = np.unique(group[order], return_index=True)
    common: list[str | None] = [None] * count
    most = np.zeros(count, np.int64)
    for place, best in zip(found, order[first], strict=True):
        common[place], most[place] = names[code[best]], hits[best]
    return common, most, labelled


def tiles(table: pd.DataFrame) -> list[tuple[int, str]]:
    """Return representatives with size and common label."""
    return [(r.row, f"{r.size:,} {r.common_label or r.path}") for r in table.itertuples()]
