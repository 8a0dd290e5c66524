"""Hubs and antihubs: images that are a neighbour of very many others, and of none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from imgsim.insights.distinct import distinct_pictures
from imgsim.insights.tables import about, of_images
from imgsim.neighbors.graph import NeighborGraph
from imgsim.references.insight import Insight, frame

if TYPE_CHECKING:
    import pandas as pd

    from imgsim.insights.measures import Traits
    from imgsim.references.references import References

_LISTED = of_images(
    pa.field("in_degree", pa.int32(), nullable=False),  # number of images of which it is one of the k neighbours
    pa.field("mismatch", pa.float32()),  # share of those with another label; null without labels
)
TABLES: dict[str, pa.Schema] = {"hubs": _LISTED, "antihubs": _LISTED}

HUB_DEVIATIONS = 2.0


def measure_hubness(references: References, traits: Traits) -> Insight:
    """Measure how uneven the in-degrees of the neighbour graph are, and list the extremes.

    The in-degree N_k of an image is the number of images of which it is one of the k nearest neighbours. In many
    dimensions few points have a very high in-degree and many have 0 (Radovanović, Nanopoulos, Ivanović 2010).
    As there, an image is a hub if its in-degree exceeds the mean k by two standard deviations, and an antihub if
    it is 0: a search by another image of the collection does not find it among the first k. Copies of one picture
    count as one (`imgsim.insights.distinct`), and the first is listed.

    Parameters
    ----------
    references : References
    traits : Traits
        Of the same images, to find the copies.

    Returns
    -------
    Insight
        ``hubness``: tables ``hubs`` (highest in-degree first) and ``antihubs`` (in row order), with
        ``mismatch``, the share of incoming edges from images of another label. Metrics: ``skewness`` of N_k (0 for
        even in-degrees, above 1.4 for strong hubs), ``robin_hood`` (share of all edges that would have to move to
        make in-degrees equal, 0 to 1; Feldbauer et al. 2018), ``hubs``, ``hub_share`` (of all edges),
        ``antihubs``, ``max_in_degree``.
    """
    distinct = distinct_pictures(references, traits)
    graph, labels = distinct.graph, references.images.labels[distinct.first]
    degrees = in_degrees(graph)
    deviation = float(degrees.std()) if graph.k else 0.0
    ranked = np.argsort(-degrees, kind="stable")
    hubs = ranked[degrees[ranked] > graph.k + HUB_DEVIATIONS * deviation]
    antihubs = np.flatnonzero(degrees == 0) if graph.k else np.empty(0, np.int64)
    mismatch = _mismatch(graph, labels)
    listings = max(1, graph.neighbors.size)
    metrics = {
        "images": len(references),
        "skewness": skewness(degrees),
        "robin_hood": float(np.abs(degrees - graph.k).sum() / 2 / listings),
        "hubs": len(hubs),
        "hub_share": float(degrees[hubs].sum() / listings),
        "antihubs": len(antihubs),
        "max_in_degree": int(degrees.max(initial=0)),
    }

    def listed(name: str, rows: NDArray[np.int64]) -> pd.DataFrame:
        columns = {
            **about(references.images, distinct.first[rows]),
            "in_degree": degrees[rows],
            "mismatch": mismatch[rows],
        }
        return frame(TABLES[name], columns)

    tables = {"hubs": listed("hubs", hubs), "antihubs": listed("antihubs", antihubs)}
    return Insight("hubness", TABLES, tables, metrics, {"k": graph.k})


def in_degrees(graph: NeighborGraph) -> NDArray[np.int64]:
    """Count the rows of which each row is a neighbour, (n,)."""
    return np.bincount(graph.neighbors.reshape(-1), minlength=len(graph))


def skewness(values: NDArray[np.int64]) -> float:
    """Return the third standardised moment; 0 for equal values."""
    centered = values - values.mean() if len(values) else np.zeros(1)
    deviation = float(np.sqrt((centered**2).mean()))
    return float((centered**3).mean() / deviation**3) if deviation > 0 else 0.0


def _mismatch(graph: NeighborGraph, labels: Sequence[str | None]) -> NDArray[np.float64]:
    """Return the share of edges into each row from rows of another label, (n,), among labelled rows; NaN for none."""
    names = np.array(["" if label is None else label for label in labels])
    known = np.array([label is not None for label in labels], bool)
    lister = np.repeat(np.arange(len(graph)), graph.k)
    listed = graph.neighbors.reshape(-1)
    both = known[lister] & known[listed]
    lister, listed = lister[both], listed[both]
    counts = np.bincount(listed, minlength=len(graph))
    other = np.bincount(listed[names[lister] != names[listed]], minlength=len(graph))
    return np.where(counts > 0, other / np.maximum(counts, 1), np.nan)


def tiles(table: pd.DataFrame) -> list[tuple[int, str]]:
    """Return rows with their in-degree."""
    return [(r.row, f"in {r.in_degree} lists") for r in table.itertuples()]
