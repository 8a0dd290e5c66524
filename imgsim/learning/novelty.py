"""Estimate of how many images without label show none of the labelled classes.

By quantification (adjusted count, Forman 2008): a threshold on the distance to the nearest labelled image calls an
image new. Labelled images tell how often that is right and wrong: once with their own class among the others, once
without it. The share of new images among those without label is corrected by both rates.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imgsim.neighbors.exact import exact_knn

Matrix = NDArray[np.float32]
Rows = NDArray[np.int64]
SAMPLE = 2000
"""Most images of each kind that are looked at."""
LEAST_RATE = 0.1
"""Smallest difference of the two rates that can tell new from known images."""
_DEPTH = 64


def novel_share(embeddings: Matrix, codes: Rows, unlabelled: Rows, seed: int = 0) -> float:
    """Estimate the share of images without label that are of no labelled class, from 0 to 1.

    Parameters
    ----------
    embeddings : (n, d) float32
    codes : (n,) int64
        One class of each image, -1 without.
    unlabelled : (m,) int64
        Rows to judge.
    seed : int
        For the draw of at most `SAMPLE` images.

    Returns
    -------
    float
        1 where the distances cannot tell: what might be new is taken for new.
    """
    rng, labelled = np.random.default_rng(seed), np.flatnonzero(codes >= 0)
    if not len(unlabelled):
        return 0.0
    if len(labelled) < 2:
        return 1.0
    known, new = _nearest_of_labelled(embeddings, codes, labelled, _drawn(labelled, rng))
    asked = _drawn(unlabelled, rng)
    distances = exact_knn(embeddings[asked], embeddings[labelled], 1)[1][:, 0]
    cuts = np.quantile(np.concatenate([known, new]), np.linspace(0.02, 0.98, 49))
    true, false, found = ((values[:, None] > cuts).mean(axis=0) for values in (new, known, distances))
    best = int((true - false).argmax())
    if true[best] - false[best] < LEAST_RATE:
        return 1.0
    return float(np.clip((found[best] - false[best]) / (true[best] - false[best]), 0, 1))


def _drawn(rows: Rows, rng: np.random.Generator) -> Rows:
    return rows if len(rows) <= SAMPLE else np.sort(rng.choice(rows, SAMPLE, replace=False))


def _nearest_of_labelled(embeddings: Matrix, codes: Rows, labelled: Rows, asked: Rows) -> tuple[Matrix, Matrix]:
    """Return the distance to the nearest other labelled image, and to the nearest of another class, (m,) each."""
    depth = min(_DEPTH, len(labelled) - 1)
    own = np.searchsorted(labelled, asked)
    ids, distances = exact_knn(embeddings[asked], embeddings[labelled], depth, exclude=own)
    other = codes[labelled[ids]] != codes[asked][:, None]
    first = np.where(other.any(axis=1), other.argmax(axis=1), depth - 1)
    return distances[:, 0], distances[np.arange(len(asked)), first]
