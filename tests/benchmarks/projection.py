"""The default projection beside the half-whitened one that it starts from: precision@10, and what it costs."""

from __future__ import annotations

from collections.abc import Iterator
from unittest.mock import patch

import numpy as np

import imgsim
from imgsim.creation import assemble
from imgsim.features.embeddings import Embeddings, embed
from imgsim.features.extract import Features
from imgsim.insights.evaluate import evaluate_references
from imgsim.neighbors.exact import exact_knn
from imgsim.neighbors.graph import build_graph
from tests.benchmarks import prepared
from tests.benchmarks.measure import repeated
from tests.benchmarks.settings import Row, Settings

K = 10
SIZES = {60: 8, 300: 8, 1000: 3, 3000: 1}
"""Images of the random subsets, and how many are drawn of each."""


def measure(settings: Settings) -> list[Row]:
    """Rows of the whole collection, of random subsets, and of a fifth asked among the others."""
    features = prepared.features(settings, prepared.network(settings))
    rows = [_row("all", [features])]
    for size, draws in SIZES.items():
        if size < len(features.images):
            rows.append(_row(f"{size:,}, {draws} drawn", list(_subsets(features, size, draws))))
    return [*rows, _held_out(features)]


def half_whitened(features: np.ndarray) -> Embeddings:
    """The projection of collections with too few pairs."""
    with patch("imgsim.features.whitening.FEWEST_PAIRS", 10**12):
        return embed(features)


def _subsets(features: Features, size: int, draws: int) -> Iterator[Features]:
    for seed in range(draws):
        chosen = np.sort(np.random.default_rng(seed).permutation(len(features.images))[:size])
        yield Features(features.images[chosen], features.store, features.backbone)


def _row(what: str, collections: list[Features]) -> Row:
    first = collections[0].matrix
    before, after = (
        float(np.mean([_precision(each, fit(each.matrix)) for each in collections])) for fit in (half_whitened, embed)
    )
    row: Row = {"what": what, "half_whitened": before, "whitened": after, "gain": after - before}
    return row | {"fit_and_transform_cpu_s": repeated(lambda: embed(first)).cpu}


def _precision(features: Features, vectors: Embeddings) -> float:
    store = imgsim.FeatureStore()
    graph = build_graph(vectors.matrix, K, "exact")
    model = assemble(features.images, features, vectors, graph, None, store)
    return float(evaluate_references(model, K, store=store).metrics[f"precision_at_{K}"])


def _held_out(features: Features) -> Row:
    """A fifth of the images, neither fitted on nor found, asks among the others."""
    order = np.random.default_rng(0).permutation(len(features.images))
    new, known = order[: len(order) // 5], order[len(order) // 5 :]
    labels = np.array(features.images.labels, object)
    asking = np.array([label not in (None, "BACKGROUND_Google") for label in labels[new]])
    found = []
    for fit in (half_whitened, embed):
        vectors = fit(features.matrix[known])
        assert vectors.projection is not None
        ids = exact_knn(vectors.projection.transform(features.matrix[new]), vectors.matrix, K)[0]
        found.append(float((labels[known][ids] == labels[new, None])[asking].mean()))
    return {"what": "a fifth, new", "half_whitened": found[0], "whitened": found[1], "gain": found[1] - found[0]}
