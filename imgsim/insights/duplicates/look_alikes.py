"""Look-alikes at any threshold, in milliseconds, from the stored pairs of near images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from imgsim import arguments
from imgsim.insights.duplicates.best_copy import ImageProperties
from imgsim.insights.duplicates.compare import embedding_distances
from imgsim.insights.duplicates.groups import centred_groups, groups_table
from imgsim.insights.duplicates.pairs import first_of_content

if TYPE_CHECKING:
    from imgsim.references.references import References

Rows = NDArray[np.int64]
Floats = NDArray[np.float32]

BINS = 60
DEVIATIONS = 3.0
LEAST_IMAGES = 20
"""Images with a neighbour from which on the threshold is calibrated."""


@dataclass(frozen=True)
class NearPairs:
    """Pairs of different images from which look-alikes are grouped.

    Parameters
    ----------
    a, b : (m,) int64
        Rows of the pairs, the nearest pair first.
    distance : (m,) float32
        Distance of the embeddings.
    threshold : float
        Default threshold, which depends on the collection.
    bound : float
        Largest threshold that the pairs are complete for.
    nearest : (n,) float32
        Distance of every image to its nearest other one.
    """

    a: Rows
    b: Rows
    distance: Floats
    threshold: float
    bound: float
    nearest: Floats

    def histogram(self, bins: int = BINS) -> pd.DataFrame:
        """Count images by the distance to their nearest other one; columns low, high, images."""
        if not len(self.nearest):
            return pd.DataFrame({"low": [], "high": [], "images": []})
        images, edges = np.histogram(self.nearest, bins, (0, float(self.nearest.max()) or 1.0))
        return pd.DataFrame({"low": edges[:-1], "high": edges[1:], "images": images})


def calibrated_threshold(near: pd.DataFrame) -> float:
    """Return the distance below which two images are unusually similar for their collection.

    It lies three robust deviations below the median of the logarithm of distances to the nearest other picture
    (median and median absolute deviation; Rousseeuw and Croux, JASA 88, 1993). Measured on Caltech-101:
    0.46 with ``mini``, 0.37 with MobileNetV2.

    Fewer than `LEAST_IMAGES` distances do not show what is usual, nor do distances of which half are equal. The
    threshold is then 0: only equal embeddings are look-alikes.

    Parameters
    ----------
    near : DataFrame
        Pairs of different pictures: row, other, distance.
    """
    nearest = np.log(np.maximum(nearest_distances(near).to_numpy(np.float64), 1e-6))
    if len(nearest) < LEAST_IMAGES:
        return 0.0
    middle = np.median(nearest)
    spread = 1.4826 * np.median(np.abs(nearest - middle))
    if not spread:  # most distances are equal: none is unusual
        return 0.0
    return float(np.exp(middle - DEVIATIONS * spread))


def nearest_distances(near: pd.DataFrame) -> pd.Series:
    """Return the smallest distance of each row in ``near`` (row, other, distance)."""
    ends = pd.concat([near["row"], near["other"]])
    return pd.concat([near["distance"]] * 2).groupby(ends.to_numpy()).min()


def near_pairs(references: References) -> NearPairs:
    """Read the pairs of the insight ``duplicates``; without the insight, take the edges of the graph.

    Pairs of the insight are of images that are not the same picture. Edges of the graph are of files with different
    bytes, with the threshold calibrated on them.
    """
    graph, insight = references.plain_graph, references.insights.get("duplicates")
    nearest = graph.distances[:, 0] if graph.k else np.zeros(0, np.float32)
    if insight is not None:
        pairs = insight.tables["pairs"]
        table = pairs[pairs["tier"] != "same_picture"][["row", "other", "distance"]]
        threshold, bound = float(insight.metrics["threshold"]), float(insight.metrics["bound"])
    else:
        table = _edges(references)
        bound = float(np.median(nearest)) if len(nearest) else 0.0
        threshold = calibrated_threshold(table)
    table = table.sort_values(["distance", "row", "other"], kind="stable")
    a, b = (table[name].to_numpy(np.int64) for name in ("row", "other"))
    return NearPairs(a, b, table["distance"].to_numpy(np.float32), threshold, max(bound, threshold), nearest)


def look_alike_groups(references: References, pairs: NearPairs, threshold: float) -> list[Rows]:
    """Group images at a distance up to ``pairs.bound``; (s,) sorted rows of each group, the largest first."""
    count = int(np.searchsorted(pairs.distance, np.float32(threshold), side="right"))
    return near_groups(references, pairs.a[:count], pairs.b[:count], threshold)


def look_alikes(references: References, threshold: float | None = None) -> pd.DataFrame:
    """Find look-alikes, with a suggestion which image of each group to keep.

    Parameters
    ----------
    references : References
        If they have the insight ``duplicates``, copies of one picture are left out.
    threshold : float, optional
        Largest distance of embeddings, up to the median distance to the nearest other image (`near_pairs`);
        default: by the collection.

    Returns
    -------
    DataFrame
        The ``look_alike`` rows of the insight's table ``groups`` (`imgsim.insights.duplicates.groups.GROUPS`).

    Raises
    ------
    ArgumentError, ArgumentTypeError
        ``threshold`` is no distance.
    """
    pairs, threshold = near_pairs(references), arguments.optional_radius(threshold, "threshold")
    groups = look_alike_groups(references, pairs, pairs.threshold if threshold is None else threshold)
    return groups_table(references, stored_properties(references), [("look_alike", groups)])


def stored_properties(references: References) -> ImageProperties:
    """Collect the properties of the images, with sharpness from the insight ``quality`` if stored, else NaN."""
    sharpness = np.full(len(references.images), np.nan, np.float32)
    quality = references.insights.get("quality")
    if quality is not None:
        table = quality.tables["images"]
        sharpness[table["row"].to_numpy()] = table["sharpness"].to_numpy(np.float32)
    return ImageProperties.of(references, sharpness)


def near_groups(references: References, a: Rows, b: Rows, threshold: float) -> list[Rows]:
    """Group linked pairs so that no member is further than ``threshold`` from the group's centre.

    A connected component whose images are all near its centre is a group. Only the others are split by
    `centred_groups`, which would give the same groups but follows every link.

    Parameters
    ----------
    a, b : (m,) int64
        Rows of pairs at a distance up to ``threshold``.
    """
    if not len(a):
        return []
    rows, ends = np.unique(np.concatenate([a, b]), return_inverse=True)
    component = _components(ends[: len(a)], ends[len(a) :], len(rows))
    centre = _centres(component, np.bincount(ends, minlength=len(rows)))
    chained = np.zeros(len(centre), bool)
    chained[component[embedding_distances(references, rows[centre[component]], rows) > threshold]] = True
    order = np.argsort(component, kind="stable")
    parts = np.split(rows[order], np.flatnonzero(np.diff(component[order])) + 1)
    groups = [part for part, chain in zip(parts, chained, strict=True) if not chain]
    linked = chained[component[ends[: len(a)]]]

    def is_similar(row: int, others: Rows) -> NDArray[np.bool_]:
        return np.asarray(embedding_distances(references, np.full(len(others), row), others) <= threshold)

    groups += centred_groups(a[linked], b[linked], is_similar)
    return sorted(groups, key=lambda group: (-len(group), int(group[0])))


def _edges(references: References) -> pd.DataFrame:
    """Return the pairs of neighbours with different bytes, each once; columns row, other, distance."""
    graph, content = references.plain_graph, first_of_content(references.images.sha256)
    ends = np.sort(np.stack([np.repeat(np.arange(len(graph)), graph.k), graph.neighbors.ravel()], axis=1), axis=1)
    table = pd.DataFrame({"row": ends[:, 0], "other": ends[:, 1], "distance": graph.distances.ravel()})
    return table[content[ends[:, 0]] != content[ends[:, 1]]].drop_duplicates(["row", "other"])


def _components(a: Rows, b: Rows, n: int) -> Rows:
    """Return the number of the connected component of each of n nodes linked by pairs, (n,)."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    _, found = connected_components(coo_array((np.ones(len(a), bool), (a, b)), shape=(n, n)), directed=False)
    return np.asarray(found, np.int64)


def _centres(component: Rows, links: Rows) -> Rows:
    """Return the node with most links of each component, (c,); of equals the first."""
    order = np.lexsort((np.arange(len(component)), -links, component))
    _, first = np.unique(component[order], return_index=True)
    return np.asarray(order[first], np.int64)
