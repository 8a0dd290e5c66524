"""Search: the vector of a query, and the ranked answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dashboards.services import filters as filtering
from dashboards.services.filters import Filters
from dashboards.services.models.loaded_model import Loaded

Vector = NDArray[np.float32]


@dataclass(frozen=True)
class Hit:
    """One image of an answer.

    Parameters
    ----------
    row, rank : int
        ``rank`` counts from 1.
    distance : float
    same : bool or None
        Whether it has the label of the query; None when one of them has none.
    duplicate : str or None
        ``"identical file"`` or ``"same picture"``: as the query, or as a nearer image of the answer.
    """

    row: int
    rank: int
    distance: float
    same: bool | None
    duplicate: str | None


@dataclass(frozen=True)
class Results:
    """An answer: hits, nearest first; seconds, images that could have been in it, and near-duplicates left out."""

    hits: list[Hit]
    seconds: float
    considered: int
    collapsed: int


def blend(vectors: Sequence[Vector], weights: Sequence[float], unit: bool) -> Vector | None:
    """Blend vectors by weight, (d,); None when they cancel out.

    Parameters
    ----------
    vectors : sequence of (d,) float32
    weights : sequence of float
        One by itself, when positive, leaves its vector as it is.
    unit : bool
        Whether embeddings have length 1; the sum is brought to it. Otherwise weights are taken as shares of their sum,
        so that the answer does not depend on where the zero of the embeddings lies.
    """
    if len(vectors) == 1 and weights[0] > 0:
        return vectors[0]
    total = np.einsum("m,md->d", np.asarray(weights, np.float64), np.asarray(vectors, np.float64))
    scale = float(np.linalg.norm(total)) if unit else (sum(weights) if sum(weights) > 1e-6 else sum(map(abs, weights)))
    reach = sum(abs(weight) * float(np.linalg.norm(vector)) for weight, vector in zip(weights, vectors, strict=True))
    if not np.linalg.norm(total) > 1e-6 * reach:
        return None
    return np.asarray(total / scale, np.float32)


def common_label(loaded: Loaded, rows: Sequence[int]) -> str | None:
    """Return the label that all these images have, or None."""
    labels = {loaded.model.images.labels[row] for row in rows}
    return labels.pop() if len(labels) == 1 else None


def random_row(loaded: Loaded, filters: Filters, seed: int) -> int | None:
    """Draw an image that passes the filters, one with a label if there is any; the same for the same seed."""
    passed = filtering.mask(loaded, filters)
    labelled = np.flatnonzero(passed & (loaded.label_codes >= 0))
    rows = labelled if len(labelled) else np.flatnonzero(passed)
    return int(np.random.default_rng(seed).choice(rows)) if len(rows) else None


def rank_images(
    loaded: Loaded,
    vector: Vector,
    *,
    k: int,
    filters: Filters,
    cut: float = 0.0,
    same: Literal["all", "same", "other"] = "all",
    label: str | None = None,
    collapse: bool = False,
    exclude: Sequence[int] = (),
    own: Sequence[int] | None = None,
    in_words: bool = False,
) -> Results:
    """Rank the nearest images, exactly over all that pass; equal distances in row order, as in `SimilarityModel.query`.

    Parameters
    ----------
    loaded : Loaded
    vector : (d,) float32
    k : int
        At most this many.
    filters : Filters
    cut : float
        Only distances up to it; 0 for any.
    same : {"all", "same", "other"}
        Only images with the query's label, or with another one. Says nothing when ``label`` is None.
    label : str or None
        Of the query.
    collapse : bool
        Of each group of duplicates the nearest only, and of the query's own groups none.
    exclude : sequence of int
        Rows that are not in the answer: those of the query.
    own : sequence of int, optional
        Rows that the query is, for the marks of duplicates; by default ``exclude``.
    in_words : bool
        Whether ``vector`` lies in the space of texts, as does then the search.
    """
    began = perf_counter()
    eligible = _eligible(loaded, filters, same, label, exclude)
    considered = int(np.count_nonzero(eligible))
    own = exclude if own is None else own
    groups = loaded.duplicate_group
    hidden = groups[[row for row in own if row in exclude]]
    wanted = count = min(k, considered)
    while True:
        rows, distances = _nearest(loaded, vector, count, eligible, in_words)
        if cut > 0:
            rows, distances = rows[distances <= cut], distances[distances <= cut]
        keep = _firsts(groups[rows], hidden) if collapse else np.ones(len(rows), bool)
        if keep.sum() >= wanted or count == considered or len(rows) < count:
            break
        count = min(considered, 2 * count)
    kept = np.flatnonzero(keep)[:wanted]
    collapsed = int(len(rows) - keep.sum()) if len(kept) < wanted else int((~keep[: kept[-1]]).sum()) if wanted else 0
    hits = _hits(loaded, rows[kept], distances[kept], label, own)
    return Results(hits, perf_counter() - began, considered, collapsed)


def nearest_distance(
    loaded: Loaded, vector: Vector, *, filters: Filters, exclude: Sequence[int] = (), in_words: bool = False
) -> float | None:
    """Return the distance of the nearest image that passes the filters; None when none does."""
    _, distances = _nearest(loaded, vector, 1, _eligible(loaded, filters, "all", None, exclude), in_words)
    return float(distances[0]) if len(distances) else None


def _nearest(
    loaded: Loaded, vector: Vector, count: int, eligible: NDArray[np.bool_], in_words: bool
) -> tuple[NDArray[np.int32], Vector]:
    """Return the ``count`` nearest eligible rows and their distances."""
    references = loaded.model.references
    space = references.search if not in_words or references.text is None else references.text.search
    rows, distances = space.nearest(np.asarray(vector, np.float32)[None], count, eligible)
    return rows[0], distances[0]


def _eligible(
    loaded: Loaded, filters: Filters, same: str, label: str | None, exclude: Sequence[int]
) -> NDArray[np.bool_]:
    eligible = filtering.mask(loaded, filters).copy()
    if same != "all" and label is not None:
        code = loaded.labels.index(label) if label in loaded.labels else -2
        equal = loaded.label_codes == code
        eligible &= equal if same == "same" else ~equal & (loaded.label_codes >= 0)
    eligible[np.asarray(exclude, np.int64)] = False
    return eligible


def _firsts(groups: NDArray[np.int32], hidden: NDArray[np.int32]) -> NDArray[np.bool_]:
    """(n,) true for rows of no group, and for the first row of each group that is not hidden."""
    first = np.zeros(len(groups), bool)
    first[np.unique(groups, return_index=True)[1]] = True
    return (groups < 0) | (first & ~np.isin(groups, hidden))


def _hits(
    loaded: Loaded, rows: NDArray[np.int32], distances: Vector, label: str | None, own: Sequence[int]
) -> list[Hit]:
    labels, shas, groups = loaded.model.images.labels, loaded.model.images.sha256, loaded.duplicate_group
    seen_bytes = {shas[row] for row in own if shas[row]}
    seen_groups = {int(groups[row]) for row in own if groups[row] >= 0}
    hits = []
    for position, (row, distance) in enumerate(zip(rows.tolist(), distances.tolist(), strict=True), start=1):
        theirs, group = labels[row], int(groups[row])
        duplicate = "identical file" if shas[row] in seen_bytes else "same picture" if group in seen_groups else None
        same = None if label is None or theirs is None else theirs == label
        hits.append(Hit(row, position, distance, same, duplicate))
        seen_bytes |= {shas[row]} - {""}
        seen_groups |= {group} - {-1}
    return hits
