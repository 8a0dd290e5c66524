"""How much better neighbours are in a refined model: of references, and of queries that it has never seen.

A fifth of the images are the queries: neither the projection nor the references know them. Copies are not left out.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imgsim.evaluation import BACKGROUND
from imgsim.features.embeddings import Matrix, embed
from imgsim.neighbors.exact import exact_knn
from imgsim.neighbors.graph import build_graph
from imgsim.neighbors.search import Searcher
from imgsim.references.refined import NEIGHBORS, PlainVectors, refine
from tests.benchmarks import prepared
from tests.benchmarks.measure import timed
from tests.benchmarks.settings import Row, Settings

K = 10
SEEDS = 3
FLOOR_GAIN = 0.01

Labels = NDArray[np.str_]


def measure(settings: Settings) -> list[Row]:
    """Rows for plain vectors, refined references with plain queries as on a phone, and refined references and queries.

    Precision@10 and 1-NN accuracy of held-out queries (mean of three draws); precision@10 of the references, one left
    out; the share of the references that are nearest to their own picture, which on a phone is not at distance 0.
    """
    found = prepared.features(settings, prepared.network(settings))
    labels = np.array([label or "" for label in found.images.labels])
    rows: dict[str, list[Row]] = {}
    for seed in range(SEEDS):
        for row in _held_out(found.matrix, labels, seed):
            rows.setdefault(str(row.pop("what")), []).append(row)
    means = [{"what": what} | {key: _mean(part, key) for key in part[0]} for what, part in rows.items()]
    if settings.reference:
        best = max(means, key=lambda row: row["held_out_precision_at_10"])
        best["floor_held_out_precision_at_10"] = float(means[0]["held_out_precision_at_10"]) + FLOOR_GAIN
    return means


def _held_out(features: Matrix, labels: Labels, seed: int) -> list[Row]:
    order = np.random.default_rng(seed).permutation(len(features))
    queries, rows = np.sort(order[: len(order) // 5]), np.sort(order[len(order) // 5 :])
    plain = embed(features[rows])
    assert plain.projection is not None
    graph = build_graph(plain.matrix, NEIGHBORS, "exact")
    refined, cost = timed(lambda: refine(plain, graph))
    asked = plain.projection.transform(features[queries])
    average = PlainVectors(plain.matrix, refined.matrix, Searcher(refined.matrix), graph, graph).refine
    ways = {
        "plain": (plain.matrix, asked, plain.matrix, 0.0),
        "refined references, plain queries": (refined.matrix, asked, plain.matrix, cost.cpu),
        "refined": (refined.matrix, average(asked), average(plain.matrix), cost.cpu),
    }
    return [
        {"what": what}
        | _precision(given, labels[queries], matrix, labels[rows])
        | {"references_precision_at_10": _left_one_out(matrix, labels[rows])}
        | {"own_picture_first": _own_first(own, matrix), "refine_cpu_s": cpu}
        for what, (matrix, given, own, cpu) in ways.items()
    ]


def _precision(queries: Matrix, wanted: Labels, matrix: Matrix, labels: Labels) -> Row:
    asked = ~np.isin(wanted, BACKGROUND)
    hits = labels[exact_knn(queries[asked], matrix, K)[0]] == wanted[asked][:, None]
    return {"held_out_precision_at_10": float(hits.mean()), "held_out_1nn": float(hits[:, 0].mean())}


def _left_one_out(matrix: Matrix, labels: Labels) -> float:
    asked = np.flatnonzero(~np.isin(labels, BACKGROUND))
    nearest = exact_knn(matrix[asked], matrix, K, asked)[0]
    return float((labels[nearest] == labels[asked][:, None]).mean())


def _own_first(queries: Matrix, matrix: Matrix) -> float:
    """Share of the references that are the nearest to their own picture's query, or as near as the nearest."""
    nearest = exact_knn(queries, matrix, 1)[0][:, 0]
    own = np.linalg.norm(queries - matrix, axis=1)
    return float((own <= np.linalg.norm(queries - matrix[nearest], axis=1)).mean())


def _mean(rows: list[Row], key: str) -> float:
    return float(np.mean([float(row[key]) for row in rows]))
