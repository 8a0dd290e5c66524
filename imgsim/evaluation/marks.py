"""Agreement of distances with pairs that people marked as alike or not alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pairs = NDArray[np.int64]


def mark_agreement(matrix: NDArray[np.float32], alike: Pairs, unlike: Pairs) -> float | None:
    """Measure how often an alike pair is closer than one that is not alike.

    Of all couples of an alike pair and one that is not, it is the share in which the alike pair has the smaller
    distance; equal distances count one half. That is the area under the ROC curve of the distance (Mann and Whitney's U
    over its largest value), so no threshold is chosen: 1 where every alike pair is closer than every other one, 0.5 by
    chance.

    Parameters
    ----------
    matrix : (n, d) float32
        Embeddings.
    alike, unlike : (a, 2), (b, 2) int64
        Rows of the marked pairs.

    Returns
    -------
    float or None
        0 to 1; None without a pair of either kind.
    """
    if not len(alike) or not len(unlike):
        return None
    near, far = _distances(matrix, alike), np.sort(_distances(matrix, unlike))
    below = len(far) - np.searchsorted(far, near, side="right")
    equal = np.searchsorted(far, near, side="right") - np.searchsorted(far, near, side="left")
    return float((below + equal / 2).sum() / (len(near) * len(far)))


def _distances(matrix: NDArray[np.float32], pairs: Pairs) -> NDArray[np.float64]:
    left, right = (matrix[pairs[:, side]].astype(np.float64) for side in (0, 1))
    return np.asarray(np.linalg.norm(left - right, axis=1))
