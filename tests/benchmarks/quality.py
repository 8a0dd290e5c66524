"""How good the neighbours are on labels, one picture left out: each network with the default projection and without."""

from __future__ import annotations

import imgsim
from imgsim.creation import assemble
from imgsim.features.embeddings import embed
from imgsim.insights.evaluate import evaluate_references
from imgsim.neighbors.graph import build_graph
from tests.benchmarks import prepared
from tests.benchmarks.settings import Row, Settings

K = 10
FLOORS = {
    ("mini", 128): 0.765,
    ("efficientnet_lite0", 128): 0.885,
    ("efficientnet_lite2", 128): 0.895,
    ("mobilenet_v2", 128): 0.88,
    ("mobilenet_v2", None): 0.83,
}
"""Precision@10 to reach on Caltech-101 with the weights the project was given."""


def measure(settings: Settings) -> list[Row]:
    """Rows of precision, mAP and 1-NN accuracy of the exact graph, so that only the embedding is judged."""
    networks = dict.fromkeys([("mini", None), ("efficientnet_lite0", None), (settings.backbone, settings.weights)])
    return [_row(settings, name, weights, dims) for name, weights in networks for dims in (128, None)]


def _row(settings: Settings, name: str, weights: str | None, dims: int | None) -> Row:
    chosen = Settings(settings.images, name, weights, settings.work)
    features = prepared.features(chosen, prepared.network(chosen))
    vectors, store = embed(features.matrix, dims), imgsim.FeatureStore()
    graph = build_graph(vectors.matrix, K, "exact")
    found = evaluate_references(assemble(features.images, features, vectors, graph, None, store), K, store=store)
    row: Row = {"what": f"{name}, {'no projection' if dims is None else f'projection {dims}'}"}
    row |= {
        key: int(value) if key in ("queries", "copies_left_out") else value
        for key, value in found.metrics.items()
        if key != "images" and "recall" not in key
    }
    if settings.reference and (name, dims) in FLOORS:
        row[f"floor_precision_at_{K}"] = FLOORS[name, dims]
    return row | {"dimensions": int(vectors.matrix.shape[1])}
