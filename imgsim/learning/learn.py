"""Learning of a metric from labels and pairs of reference images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imgsim.arguments import DEFAULT_K
from imgsim.decisions import as_decisions, with_decided_labels
from imgsim.errors import ArgumentError, StoreError
from imgsim.evaluation import BACKGROUND
from imgsim.features.blas import one_blas_thread
from imgsim.features.embeddings import FIT_ROWS, Embeddings, Projection, fit_projection
from imgsim.features.learnt import HeldOut, Learning
from imgsim.features.principal import Matrix
from imgsim.features.whitening import mutual_among
from imgsim.insights.duplicates.pictures import find_pictures
from imgsim.insights.evaluate import evaluate_references
from imgsim.learning.choice import LABEL_FREE, OTHERS, Choice
from imgsim.learning.cross_validation import LEAST_WEIGHT, cross_validated, held_out_neighbors, lesson_of
from imgsim.learning.novelty import novel_share
from imgsim.learning.pair_choice import chosen_by_pairs, with_pair_folds
from imgsim.learning.supervision import Supervision, read_supervision
from imgsim.learning.teacher import Teacher
from imgsim.neighbors.exact import exact_knn
from imgsim.neighbors.graph import build_graph
from imgsim.references.references import References
from imgsim.references.refined import NEIGHBORS, refine
from imgsim.references.update import features_of

if TYPE_CHECKING:
    from pathlib import Path

    from imgsim.decisions import Decisions
    from imgsim.features.store import FeatureStore
    from imgsim.features.stored import FeatureRows

Rows = NDArray[np.int64]
LEARNT_FROM = ("labels",)
DEPTH = 2 * DEFAULT_K
"""Neighbours of each image that are kept for its evaluation."""
PROTECTED = 0.5
"""Least weight of classes without labels where others="protect"."""


def learn_embeddings(
    references: References,
    features: FeatureRows,
    supervision: Supervision,
    *,
    others: str = "auto",
    store: FeatureStore | None = None,
    progress: bool = False,
) -> Embeddings:
    """Learn the projection of reference images; return their plain embeddings by it, with the record.

    Where no metric is better in cross-validation than the one without labels, the embeddings are by that one.

    Parameters
    ----------
    references : References
        With a projection.
    features : (n, D)
        Of the same images.
    supervision : Supervision
    others : str
        See `SimilarityModel.learn`.
    store, progress
        See `imgsim.insights.duplicates.pictures.find_pictures`.
    """
    pictures = _pictures(references, store, progress)
    with one_blas_thread("scipy.linalg"):
        return _learn(references, features, _of_pictures(supervision, pictures), pictures, others)


def _learn(
    references: References, features: FeatureRows, supervision: Supervision, pictures: Rows, others: str
) -> Embeddings:
    rows = _fit_rows(supervision, pictures, references.images.sha256)
    free, matrix = _label_free(references, features)
    classes = sorted({name for names in supervision.labels for name in names})
    lesson = lesson_of(supervision, rows, classes)
    chosen, label_free = features[rows], np.ascontiguousarray(matrix[rows])
    lesson = lesson if classes else with_pair_folds(lesson)
    weight = _weight(others, label_free, lesson.labels, supervision.background[rows])
    if weight < LEAST_WEIGHT:
        lesson = replace(lesson, groups=np.zeros_like(lesson.groups))
    depth = min(DEPTH, len(rows) - 1)
    before, distances = exact_knn(label_free, label_free, depth, exclude=np.arange(len(rows)))
    pairs = mutual_among(before, distances)
    teacher = Teacher(chosen, pairs, lesson, free.wanted or free.dims, label_free.shape[1])
    choice = (cross_validated if classes else chosen_by_pairs)(teacher, label_free, weight)
    projection = free
    if choice.candidate != LABEL_FREE:
        components = teacher.components(choice.candidate)
        projection = Projection(teacher.mean, components, free.wanted or free.dims, len(references), True)
        matrix = projection.transform(features)
    after = before
    if choice.candidate != LABEL_FREE:
        after = held_out_neighbors(teacher, choice.candidate, np.ascontiguousarray(matrix[rows]), depth)
    record = Learning(
        supervision.digest,
        others,
        str(choice.candidate),
        tuple(classes),
        _figures(choice, lesson.folds, supervision),
        supervision.labels,
        _spread(lesson.folds, rows, pictures),
        HeldOut(*(_spread(rows[found].astype(np.int32), rows, pictures) for found in (after, before))),
    )
    return Embeddings(matrix, projection, learning=record)


def learn_from_labels(
    references: References,
    features: FeatureRows,
    others: str = "auto",
    store: FeatureStore | None = None,
    progress: bool = False,
) -> Embeddings:
    """Learn from the labels of the images alone; arguments as in `learn_embeddings`.

    Raises
    ------
    ArgumentError
        Labels that cannot teach, or no projection.
    """
    require_others(others)
    require_learnable(references.projection is not None)
    supervision = read_supervision(references, None, None, BACKGROUND)
    return learn_embeddings(references, features, supervision, others=others, store=store, progress=progress)


def learn_references(
    references: References,
    labels: Any = None,
    pairs: Any = None,
    *,
    others: str = "auto",
    decisions: Decisions | str | Path | bool | None = None,
    store: FeatureStore | None = None,
    background: Sequence[str] = BACKGROUND,
    progress: bool = False,
) -> References:
    """Return new references whose metric is learnt, evaluated honestly; see `SimilarityModel.learn`."""
    from imgsim.features.store import FeatureStore

    require_others(others)
    supervision = read_supervision(references, labels, pairs, background, decisions)
    require_learnable(references.projection is not None)
    store = FeatureStore() if store is None else store
    found = features_of(references, references.images, store, progress)
    if len(found.images) < len(references):
        raise StoreError(
            f"{len(references) - len(found.images):,} of {len(references):,} images are neither in {store.root} nor "
            "can be read again, so a metric cannot be learnt from them: create the model again from images."
        )
    embeddings = learn_embeddings(references, found.vectors, supervision, others=others, store=store, progress=progress)
    learnt = with_embeddings(references, embeddings, progress)
    if (decided := as_decisions(decisions)) is not None:
        learnt.images = with_decided_labels(learnt.images, decided)
    k = min(DEFAULT_K, max(1, references.graph.k)) if references.evaluation is None else references.evaluation.k
    learnt.evaluation = evaluate_references(learnt, k, background, store=store, progress=progress)
    return learnt


def with_embeddings(references: References, embeddings: Embeddings, progress: bool = False) -> References:
    """Return a copy of references with other plain embeddings, refined and with a graph as theirs are."""
    graph = references.graph
    wanted = graph.wanted or max(graph.k, 1)
    if references.plain is not None:
        plain = build_graph(embeddings.matrix, max(wanted, NEIGHBORS), graph.method, progress=progress)
        embeddings = refine(embeddings, plain)
    state = references.__getstate__() | {
        "embeddings": embeddings,
        "graph": build_graph(embeddings.matrix, wanted, graph.method, progress=progress),
        **dict.fromkeys(("evaluation", "insights", "coreml", "coreml_digest", "cells", "plain_graph")),
    }
    learnt = References(**state)
    learnt.network = references.network
    return learnt


def require_others(others: str) -> None:
    """Refuse an unknown ``others``."""
    from imgsim import arguments

    arguments.one_of(others, OTHERS, "others")


def require_learnable(projected: bool) -> None:
    """Refuse embeddings that are raw features or given vectors.

    Raises
    ------
    ArgumentError
        They have no projection, which is what is learnt.
    """
    if not projected:
        raise ArgumentError(
            "a metric is learnt in place of the projection, and here is none: create the model from images, with a "
            "projection (128 by default)."
        )


def _pictures(references: References, store: FeatureStore | None, progress: bool) -> Rows:
    """Return for each row the first row of the same picture, as evaluated or found now."""
    known = None if references.evaluation is None else references.evaluation.pictures
    return find_pictures(references, store, progress) if known is None else known


def _of_pictures(supervision: Supervision, pictures: Rows) -> Supervision:
    """Give every copy of a picture the labels of all its copies, and name the first copy in pairs."""
    of_picture: dict[int, set[str]] = {}
    for picture, names in zip(pictures.tolist(), supervision.labels, strict=True):
        of_picture.setdefault(picture, set()).update(names)
    labels = [tuple(sorted(of_picture[picture])) for picture in pictures.tolist()]
    alike, unlike = (pictures[found] for found in (supervision.alike, supervision.unlike))
    return replace(
        supervision, labels=labels, alike=alike[alike[:, 0] != alike[:, 1]], unlike=unlike[unlike[:, 0] != unlike[:, 1]]
    )


def _fit_rows(supervision: Supervision, pictures: Rows, sha256: Sequence[str]) -> Rows:
    """Return one row of each picture, (m,), sorted: at most 50,000, taught ones first, those of the smallest sha256."""
    distinct = np.flatnonzero(pictures == np.arange(len(pictures)))
    if len(distinct) <= FIT_ROWS:
        return distinct
    taught = supervision.labelled
    taught[np.concatenate([supervision.alike, supervision.unlike]).reshape(-1)] = True
    keys = np.array([sha256[row] for row in distinct.tolist()], "S")
    order = distinct[np.lexsort((keys, ~taught[distinct]))]
    most = min(int(taught[distinct].sum()), FIT_ROWS // 2)
    return np.sort(np.concatenate([order[:most], _by_key(distinct, keys, order[:most])[: FIT_ROWS - most]]))


def _by_key(rows: Rows, keys: NDArray[Any], without: Rows) -> Rows:
    ordered = rows[np.argsort(keys, kind="stable")]
    return ordered[~np.isin(ordered, without)]


def _label_free(references: References, features: FeatureRows) -> tuple[Projection, Matrix]:
    """Return the projection without labels and the embeddings by it: those of the references, or fitted again."""
    known = references.projection
    if known is not None and (references.learning is None or not references.learning.changed):
        return known, references.plain_embeddings
    wanted = 0 if known is None else known.wanted or known.dims
    projection = fit_projection(features, wanted, references.images.sha256)
    return projection, projection.transform(features)


def _weight(others: str, label_free: Matrix, labels: Rows, background: NDArray[np.bool_]) -> float:
    """Return what classes without labels count: the share of images that seem to be of none of the labelled ones."""
    if others == "ignore":
        return 0.0
    unlabelled = np.flatnonzero((labels[:, 0] < 0) & ~background)
    share = novel_share(label_free, labels[:, 0], unlabelled) * len(unlabelled) / max(1, int((~background).sum()))
    return max(share, PROTECTED) if others == "protect" else share


def _figures(choice: Choice, folds: Rows, supervision: Supervision) -> dict[str, float]:
    found = {
        "labelled": float(supervision.labelled.sum()),
        "alike": float(len(supervision.alike)),
        "not_alike": float(len(supervision.unlike)),
        "folds": float(folds.max(initial=-1) + 1),
        "others_weight": choice.weight,
    }
    kinds = ("seen", "seen_label_free", "unseen", "unseen_label_free", "pairs", "pairs_label_free")
    measured = {name: getattr(choice, name) for name in kinds}
    return found | {name: value for name, value in measured.items() if np.isfinite(value)}


def _spread(values: NDArray[Any], rows: Rows, pictures: Rows) -> NDArray[Any]:
    """Give all images what the first of their picture has, -1 where it is not among ``rows``."""
    first = np.full((len(pictures), *values.shape[1:]), -1, values.dtype)
    first[rows] = values
    return first[pictures]
