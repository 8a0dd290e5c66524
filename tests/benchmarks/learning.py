"""What labels teach: precision@10 of held-out images, of labelled classes and of others, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

import imgsim
from imgsim.creation import assemble
from imgsim.evaluation import BACKGROUND, label_codes
from imgsim.features.embeddings import embed
from imgsim.insights.evaluate import evaluate_references
from imgsim.learning.folds import class_groups, picture_folds
from imgsim.learning.learn import learn_embeddings
from imgsim.learning.supervision import read_supervision
from imgsim.neighbors.exact import exact_knn
from imgsim.neighbors.graph import build_graph
from imgsim.references.references import References
from tests.benchmarks import prepared
from tests.benchmarks.measure import timed
from tests.benchmarks.settings import Row, Settings

K = 10
FOLDS = 5
FEW = (2, 5, 20)
"""Labels per class."""
FLOORS = {
    ("mini", "all classes"): {"seen": 0.87},
    ("efficientnet_lite0", "all classes"): {"seen": 0.94},
    ("mini", "half of the classes"): {"seen": 0.86},
    ("efficientnet_lite0", "half of the classes"): {"seen": 0.93},
}
"""Precision@10 to reach on Caltech-101."""


def measure(settings: Settings) -> list[Row]:
    """Rows by how much is labelled: all classes but a fifth of their images, half of the classes, a few images each."""
    features, store = prepared.features(settings, prepared.network(settings)), imgsim.FeatureStore()
    vectors = embed(features.matrix)
    graph = build_graph(vectors.matrix, K, "exact")
    model = assemble(features.images, features, vectors, graph, None, store)
    model.evaluation = evaluate_references(model, K, store=store)
    labels = np.array(features.images.labels, object)
    labels[np.isin(labels, BACKGROUND)] = None
    taught = {"all classes": _but_a_fifth(labels), "half of the classes": _half(labels)}
    taught |= {f"{count} of each class": _few(labels, count) for count in FEW}
    return [_row(settings, model, features.matrix, what, labels, given) for what, given in taught.items()]


def _row(
    settings: Settings,
    model: References,
    features: NDArray[np.float32],
    what: str,
    labels: NDArray[np.object_],
    taught: NDArray[np.object_],
) -> Row:
    given = read_supervision(model, taught.tolist(), None, BACKGROUND)
    after, cost = timed(lambda: learn_embeddings(model, features, given))
    row: Row = {"what": what}
    assert after.learning is not None
    known = np.isin(labels, list(after.learning.classes))
    asked = (labels != None) & (taught == None)  # noqa: E711  elementwise
    for name, rows in (("seen", np.flatnonzero(asked & known)), ("unseen", np.flatnonzero(asked & ~known))):
        if len(rows):
            row |= {f"{name}_before": _precision(model.embeddings, labels, rows)}
            row |= {name: _precision(after.matrix, labels, rows)}
    if settings.reference:
        floors = FLOORS.get((settings.backbone, what), {})
        row |= {f"floor_{name}": floor for name, floor in floors.items()}
        if "unseen" in row:
            row["floor_unseen"] = float(row["unseen_before"]) - 0.005
    return row | {"chosen": after.learning.choice, "cpu_s": cost.cpu}


def _precision(matrix: NDArray[np.float32], labels: NDArray[np.object_], rows: NDArray[np.int64]) -> float:
    found, _ = exact_knn(matrix[rows], matrix, K, exclude=rows)
    return float((labels[found] == labels[rows, None]).mean())


def _folds(labels: NDArray[np.object_]) -> tuple[Sequence[str], NDArray[np.int64], NDArray[np.int64]]:
    names, codes = label_codes(labels.tolist())
    return names.tolist(), codes, picture_folds(codes, np.arange(len(codes)), FOLDS, seed=100)


def _but_a_fifth(labels: NDArray[np.object_]) -> NDArray[np.object_]:
    _, _, folds = _folds(labels)
    return np.where(folds == 0, None, labels)


def _half(labels: NDArray[np.object_]) -> NDArray[np.object_]:
    names, codes, folds = _folds(labels)
    groups = np.append(class_groups(len(names), 2, seed=100), 1)
    return np.where((folds == 0) | (groups[codes] == 1), None, labels)


def _few(labels: NDArray[np.object_], count: int) -> NDArray[np.object_]:
    _, codes, _ = _folds(labels)
    order = np.random.default_rng(100).permutation(len(codes))
    place = np.empty(len(codes), np.int64)
    for code in np.unique(codes):
        rows = order[codes[order] == code]
        place[rows] = np.arange(len(rows))
    return np.where(place < count, labels, None)
