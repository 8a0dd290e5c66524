"""Paired comparison of two models on the same images: each image is a query in both, on equal terms.

Neighbours are searched exactly among these images only, so that neither model gains by images that the other lacks.
The difference is judged by the paired randomization test, which Smucker, Allan and Carterette, "A comparison of
statistical significance tests for information retrieval evaluation" (CIKM 2007), recommend for such means.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imgsim.arguments import DEFAULT_K
from imgsim.evaluation.classes import BACKGROUND, asked_classes, label_codes
from imgsim.neighbors.exact import exact_knn

QUERIES = 2000
"""Largest number of queries; above it they are drawn."""
SIGNIFICANT = 0.025
"""One-sided probability below which a difference is taken for real."""
_RESAMPLES = 1999


@dataclass(frozen=True)
class PairedPrecision:
    """Precision of two models at the same queries.

    Parameters
    ----------
    before, after : (q,) float64
        Share of the ``k`` nearest other images that carry the query's label.
    k : int
        Neighbours that count.
    """

    before: NDArray[np.float64]
    after: NDArray[np.float64]
    k: int

    @property
    def worse(self) -> bool:
        """True if the second model is worse by more than chance explains."""
        return self._probability("less") < SIGNIFICANT

    @property
    def better(self) -> bool:
        """True if the second model is better by more than chance explains."""
        return self._probability("greater") < SIGNIFICANT

    def _probability(self, alternative: str) -> float:
        from scipy.stats import permutation_test

        difference = self.after - self.before
        moved = difference[difference != 0]  # equal queries say nothing of the direction
        if len(moved) < 2:  # one alone is a coin's toss
            return 1.0
        found = permutation_test(
            (moved,),
            np.sum,
            permutation_type="samples",
            n_resamples=_RESAMPLES,
            batch=max(1, 4_000_000 // len(moved)),
            alternative=alternative,
            random_state=0,
        )
        return float(found.pvalue)

    def __str__(self) -> str:
        return (
            f"precision@{self.k} {self.before.mean():.4f} to {self.after.mean():.4f} on {len(self.before):,} images "
            "of both"
        )


def paired_precision(
    before: NDArray[np.float32] | NDArray[np.int32],
    after: NDArray[np.float32] | NDArray[np.int32],
    labels: Sequence[str | None],
    k: int = DEFAULT_K,
    background: Sequence[str] = BACKGROUND,
    seed: int = 0,
) -> PairedPrecision | None:
    """Measure precision of two models at the same images, leave-one-out.

    Parameters
    ----------
    before, after : (n, d), (n, e) float32
        Embeddings of the same n images, each a different picture: copies would be hits for certain. Or (n, l) int32,
        their neighbours among these images, nearest first and -1 for none, where embeddings have seen the labels
        (`imgsim.features.learnt.HeldOut`); an image without neighbours is no query.
    labels : sequence of n
        Rows without label (None) can be found, and are never queries.
    k : int
        Neighbours that count, at most n - 1.
    background : sequence of str
        Labels that are never queries, as in `imgsim.evaluation.evaluate`.
    seed : int
        For the draw of `QUERIES` queries.

    Returns
    -------
    PairedPrecision or None
        None where no image can be a query: no label is there twice.
    """
    names, codes = label_codes(labels)
    rows = np.flatnonzero(asked_classes(names, codes, background=background)[codes])
    if not len(rows):
        return None
    if len(rows) > QUERIES:
        rows = np.sort(np.random.default_rng(seed).choice(rows, QUERIES, replace=False))
    k = min(k, len(codes) - 1)
    old, new = (_precision(found, codes, rows, k) for found in (before, after))
    known = np.isfinite(old) & np.isfinite(new)
    return PairedPrecision(old[known], new[known], k) if known.any() else None


def _precision(
    found: NDArray[np.float32] | NDArray[np.int32], codes: NDArray[np.int64], rows: NDArray[np.int64], k: int
) -> NDArray[np.float64]:
    """Compute the precision of rows, (q,); NaN for one whose neighbours are not known."""
    if found.dtype.kind == "f":
        nearest, _ = exact_knn(found[rows].astype(np.float32, copy=False), found, k, exclude=rows)  # type: ignore[arg-type]
    else:
        listed = found[rows]
        order = np.argsort(listed < 0, axis=1, kind="stable")[:, :k]
        nearest = np.take_along_axis(listed.astype(np.int32), order, axis=1)
    there = nearest >= 0
    hits = ((codes[nearest] == codes[rows][:, None]) & there).sum(axis=1)
    counts = there.sum(axis=1)
    return np.asarray(np.where(counts > 0, hits / np.maximum(counts, 1), np.nan), np.float64)
