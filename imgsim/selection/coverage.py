"""Coverage of a collection by some of its images, beside that of a random choice."""

from __future__ import annotations

import numpy as np

from imgsim.io.vectors import BLOCK_ROWS, Matrix, Rows
from imgsim.neighbors.exact import exact_knn, longest_squared
from imgsim.neighbors.graph import NeighborGraph


def nearest_chosen(matrix: Matrix, chosen: Rows) -> tuple[Rows, Matrix]:
    """Find for each row the nearest chosen row, by exact search.

    Returns
    -------
    (n,) int64, (n,) float32
        Positions in ``chosen``, and distances.
    """
    references = np.ascontiguousarray(matrix[chosen])
    longest = longest_squared(references)
    blocks = [matrix[start : start + BLOCK_ROWS] for start in range(0, len(matrix), BLOCK_ROWS)]
    found = [exact_knn(block, references, 1, longest=longest) for block in blocks]
    places, distances = (np.concatenate(parts)[:, 0] for parts in zip(*found, strict=True))
    return places.astype(np.int64), distances


def typical_distance(graph: NeighborGraph) -> float:
    """Return the median distance of neighbours in the graph; 0 without neighbours."""
    return float(np.median(graph.distances)) if graph.distances.size else 0.0


def coverage(matrix: Matrix, chosen: Rows, among: Rows, typical: float, seed: int = 0) -> dict[str, float]:
    """Measure how near all rows are to the chosen ones.

    Parameters
    ----------
    matrix : (n, d) float32
    chosen : (m,) int64
    among : (p,) int64
        Rows to choose from; m of them, drawn at random, are the comparison.
    typical : float
        Distance within which a row counts as covered (`typical_distance`).
    seed : int
        Of the random choice.

    Returns
    -------
    dict of str to float
        ``largest`` and ``mean`` distance of a row to the nearest chosen one, ``covered`` (share of the rows within the
        typical distance), and the same of the random choice: ``random_largest``, ``random_mean``, ``random_covered``.
    """
    drawn = np.random.default_rng(seed).choice(among, len(chosen), replace=False)
    found = {"typical": typical} | _figures(nearest_chosen(matrix, chosen)[1], typical)
    by_chance = _figures(nearest_chosen(matrix, drawn)[1], typical)
    return found | {f"random_{name}": value for name, value in by_chance.items()}


def _figures(distances: Matrix, typical: float) -> dict[str, float]:
    return {
        "largest": float(distances.max()),
        "mean": float(distances.mean(dtype=np.float64)),
        "covered": float((distances <= typical).mean()),
    }
