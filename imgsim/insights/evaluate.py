"""Evaluation of reference images, with copies of pictures left out.

A metric that was learnt from labels is never scored by a label that it was fitted on: an image with such a label asks
by the fit of a cross-validation that left it out (`imgsim.features.learnt.HeldOut`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imgsim.arguments import DEFAULT_K
from imgsim.errors import ArgumentError
from imgsim.evaluation import (
    BACKGROUND,
    SAMPLE,
    Evaluation,
    compared_with_label_free,
    evaluate,
    nearest_pictures,
)
from imgsim.insights.duplicates.pictures import find_pictures

if TYPE_CHECKING:
    from imgsim.features.learnt import Learning
    from imgsim.features.store import FeatureStore
    from imgsim.neighbors.graph import NeighborGraph
    from imgsim.references.references import References


def evaluate_references(
    references: References,
    k: int = DEFAULT_K,
    background: Sequence[str] = BACKGROUND,
    sample: int = SAMPLE,
    seed: int = 0,
    *,
    graph: NeighborGraph | None = None,
    store: FeatureStore | None = None,
    progress: bool = False,
) -> Evaluation:
    """Evaluate reference images; where they have labels, copies of a picture are found first and left out.

    Of a learnt metric (`imgsim.learning`) images without labels of their own are evaluated by the labels that it was
    learnt from, and ``metrics`` has also those of `imgsim.evaluation.compared_with_label_free`.

    Parameters
    ----------
    references : References
    k, background, sample, seed
        As in `imgsim.evaluation.evaluate`; of a learnt metric ``k`` is at most 20.
    graph : NeighborGraph, optional
        With at least ``k`` neighbours; default: that of ``references``.
    store, progress
        As in `imgsim.insights.duplicates.pictures.find_pictures`.
    """
    learning = references.learning if references.learning is not None and references.learning.changed else None
    labels = _labels(references, learning)
    labelled = any(label is not None for label in labels)
    pictures = find_pictures(references, store, progress) if labelled else None
    graph, how = graph or references.graph, (k, background, sample, seed)
    if learning is None or pictures is None:
        return evaluate(references.embeddings, graph, labels, *how, pictures=pictures)
    neighbors = _held_out(references, learning, graph, pictures, k)
    found = evaluate(references.embeddings, graph, labels, *how, pictures=pictures, neighbors=neighbors)
    if learning.held_out is None:
        return found
    free = learning.held_out.label_free
    compared = compared_with_label_free(
        neighbors[:, : found.k], free[:, : found.k], labels, pictures, learning.classes, background
    )
    return replace(found, metrics=found.metrics | compared)


def _labels(references: References, learning: Learning | None) -> Sequence[str | None]:
    """Return the labels of the images; where no image has one, those that the metric was learnt from."""
    labels = references.images.labels
    if learning is None or any(label is not None for label in labels):
        return labels
    return [names[0] if len(names) == 1 else None for names in learning.labels]


def _held_out(
    references: References, learning: Learning, graph: NeighborGraph, pictures: NDArray[np.int64], k: int
) -> NDArray[np.int32]:
    """Return the neighbours to score labels by; rows of -1 for labels that cannot be scored.

    Since images were added or removed, those are all that the metric was fitted on.
    """
    if learning.held_out is None:
        found = nearest_pictures(references.embeddings, graph, pictures, k).neighbors.copy()
        fitted = np.zeros(len(pictures), bool)
        fitted[pictures[learning.folds >= 0]] = True
        found[fitted[pictures]] = -1
        return found
    kept = learning.held_out.learnt
    if min(k, len(np.unique(pictures)) - 1) > kept.shape[1]:
        raise ArgumentError(
            f"a learnt model keeps {kept.shape[1]} neighbours of each image for its evaluation; k={k} needs more."
        )
    return kept
