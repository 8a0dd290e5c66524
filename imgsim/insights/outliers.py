"""Images unlike any other, from the distances the graph holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imgsim.insights.schemas import OUTLIERS, about, frame
from imgsim.neighbors.graph import NeighborGraph
from imgsim.references.insight import Insight

if TYPE_CHECKING:
    from imgsim.model import SimilarityModel

THRESHOLD = 2.5
"""Robust deviations from which an image is called an outlier (Leys et al. 2013)."""
MAD_TO_SD = 1.4826
MEAN_TO_SD = 1.2533
TINY = 1e-9


def find_outliers(model: SimilarityModel, threshold: float = THRESHOLD) -> Insight:
    """Rank all images by how far away their neighbours are.

    The score is the distance to the k-th neighbour (Ramaswamy, Rastogi, Shim 2000), in robust standard
    deviations (1.4826 MAD) above the median of the collection. On images planted in collections they do
    not belong to it ranks better than the mean distance and far better than measures relative to the
    neighbours' own density, such as the local outlier factor (Breunig et al. 2000), which is kept as
    the column ``lof``. Nothing is flagged where nothing stands out: in a collection of many different
    things distances vary so much that no single image does.

    Parameters
    ----------
    model : SimilarityModel
    threshold : float
        Score from which an image is flagged.

    Returns
    -------
    Insight
        ``outliers``: table ``images``, one row per image, the most unusual first; metrics ``outliers``
        (flagged), ``median_distance``, ``threshold_distance``.
    """
    distance = kth_distances(model.graph)
    center, scale = robust_scale(distance)
    score = (distance - center) / scale
    rows = np.argsort(-score, kind="stable")
    flagged = score >= threshold
    columns = {
        **about(model.images, rows),
        "distance": distance[rows],
        "lof": local_outlier_factors(model.graph)[rows],
        "score": score[rows],
        "outlier": flagged[rows],
    }
    metrics = {
        "images": len(rows),
        "outliers": int(flagged.sum()),
        "median_distance": center,
        "threshold_distance": center + threshold * scale,
    }
    params = {"k": model.graph.k, "threshold": float(threshold)}
    return Insight("outliers", {"images": frame(OUTLIERS["images"], columns)}, metrics, params)


def kth_distances(graph: NeighborGraph) -> NDArray[np.float64]:
    """(n,) distance of each row to the last of its neighbours; 0 where there are none."""
    return graph.distances[:, -1].astype(np.float64) if graph.k else np.zeros(len(graph))


def local_outlier_factors(graph: NeighborGraph) -> NDArray[np.float64]:
    """(n,) how many times denser it is around a row's neighbours than around the row itself (Breunig et al. 2000)."""
    if not graph.k:
        return np.ones(len(graph))
    reach = np.maximum(graph.distances, kth_distances(graph)[graph.neighbors])
    density = 1 / np.maximum(reach.mean(axis=1), TINY)
    factors: NDArray[np.float64] = density[graph.neighbors].mean(axis=1) / density
    return factors


def robust_scale(values: NDArray[np.float64]) -> tuple[float, float]:
    """Median and robust standard deviation of (n,) values, n >= 1.

    Where more than half of the values are equal the mean absolute deviation stands in for the median one
    (Iglewicz, Hoaglin 1993); where all are, 1.
    """
    center = float(np.median(values))
    deviations = np.abs(values - center)
    for spread in (MAD_TO_SD * float(np.median(deviations)), MEAN_TO_SD * float(deviations.mean())):
        if spread > TINY:
            return center, spread
    return center, 1.0
