"""Wrong labels planted in the collection: how many are found first, and whether the probabilities are right."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

import imgsim
from imgsim.evaluation import BACKGROUND
from imgsim.features.embeddings import Embeddings
from imgsim.images.table import ImageTable
from imgsim.insights.labels.errors import FLAGGED, find_label_errors
from imgsim.model import SimilarityModel
from imgsim.neighbors.graph import build_graph
from imgsim.references.references import References
from tests.benchmarks import prepared
from tests.benchmarks.agreement import average_precision, calibration_error
from tests.benchmarks.settings import Row, Settings

FLOORED = ("mobilenet_v2", "at random", 0.05)
FLOOR_AVERAGE_PRECISION = 0.85
PLANTED = {"at random": (0.0, 0.01, 0.05, 0.1), "look alike": (0.01, 0.05)}
SEEDS = 3
SMALL = ((10, 30), (20, 30), (20, 50))
"""Small collections: classes, and images of each."""
FLOOR_FOUND_FIRST = 0.8


def measure(settings: Settings) -> list[Row]:
    """A row per kind and share of wrong labels, means over seeds; ``ece`` is the expected calibration error."""
    model = imgsim.load_model(prepared.model_folder(settings))
    rows: list[Row] = []
    for kind, shares in PLANTED.items():
        for share in shares:
            rows.append(_row(model, kind, share))
            if settings.reference and (settings.backbone, kind, share) == FLOORED:
                rows[-1]["floor_average_precision"] = FLOOR_AVERAGE_PRECISION
    return [*rows, *(_small(model, *size) for size in SMALL if settings.reference)]


def _small(model: SimilarityModel, classes: int, images: int) -> Row:
    """Errors of a small collection: the share that is among the first, twice as many as there are."""
    found = []
    for seed in range(SEEDS):
        part = _part(model, classes, images, seed)
        labels, wrong = flipped(part, 0.05, False, seed)
        table = find_label_errors(with_labels(part, labels).references, seed=seed).tables["images"]
        found.append(float(wrong[table["row"][: 2 * wrong.sum()]].sum() / wrong.sum()))
    what = f"5% wrong, at random, {classes} classes of {images}"
    return {"what": what, "found_first": float(np.mean(found)), "floor_found_first": FLOOR_FOUND_FIRST}


def _part(model: SimilarityModel, classes: int, images: int, seed: int) -> SimilarityModel:
    """Random images of random classes."""
    rng = np.random.default_rng(seed)
    labels = np.array(model.images.labels, object)
    names, sizes = np.unique(labels[~np.isin(labels, BACKGROUND)], return_counts=True)
    chosen = rng.choice(names[sizes >= images], classes, replace=False)
    rows = np.sort(np.concatenate([rng.choice(np.flatnonzero(labels == name), images, False) for name in chosen]))
    vectors = Embeddings(np.ascontiguousarray(model.embeddings[rows]), model.projection)
    graph = build_graph(vectors.matrix, model.graph.k)
    return SimilarityModel(References(model.images[rows], vectors, graph, model.ids[rows], model.backbone))


def _row(model: SimilarityModel, kind: str, share: float) -> Row:
    found = [_found(model, kind, share, seed) for seed in range(SEEDS if share else 1)]
    means = {key: float(np.mean([one[key] for one in found])) for key in found[0]}
    return {"what": f"{share:.0%} wrong, {kind}", **means}


def _found(model: SimilarityModel, kind: str, share: float, seed: int) -> dict[str, float]:
    labels, wrong = flipped(model, share, kind == "look alike", seed)
    insight = find_label_errors(with_labels(model, labels).references, seed=seed)
    table = insight.tables["images"]
    hits, probability = wrong[table["row"]], table["probability"].to_numpy(np.float64)
    values = {
        "estimated": float(insight.metrics["error_rate"]),
        "ece": calibration_error(probability, hits),
        "flagged": float(insight.metrics["flagged"]),
    }
    if share:
        flagged = probability > FLAGGED
        values["average_precision"] = average_precision(hits)
        values["precision"] = float(hits[flagged].mean()) if flagged.any() else 0.0
        values["recall"] = float(hits[flagged].sum() / hits.sum())
    return values


def flipped(model: SimilarityModel, share: float, alike: bool, seed: int) -> tuple[list[str | None], NDArray[np.bool_]]:
    """Labels with a share of the classes' images given another class, and which were (n,).

    The other class is any, or (``alike``) that of a random neighbour of another class of a random image of
    the same class.
    """
    rng = np.random.default_rng(seed)
    labels = np.array(model.images.labels, object)
    names = sorted({label for label in labels if label is not None and label not in BACKGROUND})
    judged = np.flatnonzero(np.isin(labels, names))
    given, wrong = labels.copy(), np.zeros(len(labels), bool)
    for row in rng.choice(judged, round(share * len(judged)), replace=False):
        choices = [name for name in names if name != labels[row]]
        if alike:
            around = labels[model.graph.neighbors[labels == labels[row]]].reshape(-1)
            choices = around[np.isin(around, choices)].tolist() or choices
        given[row], wrong[row] = choices[rng.integers(len(choices))], True
    return given.tolist(), wrong


def with_labels(model: SimilarityModel, labels: list[str | None]) -> SimilarityModel:
    """The same images, vectors and graph under other labels."""
    table = model.images.table
    table = table.set_column(table.schema.get_field_index("label"), "label", pa.array(labels, pa.string()))
    vectors = Embeddings(np.asarray(model.embeddings), model.projection)
    return SimilarityModel(References(ImageTable(table), vectors, model.graph, model.ids, model.backbone))
