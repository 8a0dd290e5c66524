"""How many neighbours stay where images are added: the same pictures should give the same neighbours."""

from __future__ import annotations

import numpy as np

from imgsim.features.embeddings import Matrix, fit_projection
from imgsim.neighbors.exact import exact_knn
from tests.benchmarks import prepared
from tests.benchmarks.measure import timed
from tests.benchmarks.settings import Row, Settings

K = 10
SIZES = (300, 1000, 3000, 9000)
FLOOR_ONE, FLOOR_PERCENT = 0.99, 0.95


def measure(settings: Settings) -> list[Row]:
    """Rows per size: share of each list of 10 that stays, with one image more and with 1 % more; cost of the fit."""
    features = prepared.features(settings, prepared.network(settings)).matrix
    sizes = [size for size in SIZES if size + size // 100 <= len(features)]
    return [_row(features, size) for size in sizes]


def _row(features: Matrix, size: int) -> Row:
    kept: list[tuple[float, float]] = []
    for seed in range(max(1, 3000 // size)):
        chosen = features[np.random.default_rng(seed).permutation(len(features))[: size + size // 100]]
        rows = chosen[:size]
        before = _neighbors(rows, rows)
        one, percent = (overlap(before, _neighbors(rows, chosen[:n])) for n in (size + 1, len(chosen)))
        kept.append((one, percent))
    one, percent = np.mean(kept, axis=0)
    _, cost = timed(lambda: fit_projection(rows))
    row: Row = {"what": f"{size:,} images", "one_more": float(one), "one_percent_more": float(percent)}
    return row | {"floor_one_more": FLOOR_ONE, "floor_one_percent_more": FLOOR_PERCENT, "fit_cpu_s": cost.cpu}


def _neighbors(rows: Matrix, fitted_on: Matrix) -> np.ndarray:
    vectors = fit_projection(fitted_on).transform(rows)
    return exact_knn(vectors, vectors, K, np.arange(len(rows)))[0]


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Mean share of the neighbours of each row that two graphs (n, k) have in common."""
    return float(np.mean([len(set(a) & set(b)) / len(a) for a, b in zip(one.tolist(), other.tolist(), strict=True)]))
