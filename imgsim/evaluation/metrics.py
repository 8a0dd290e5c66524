"""Evaluation of a k-NN graph: recall against exact search; precision, mAP and 1-NN accuracy on labels.

Leave-one-out: every picture is a query against all others. What is left out is the picture, not the row: its copies
are no hits, and copies of another picture count once, by the nearest. Labels that stand for "none of the classes"
(Caltech-101's ``BACKGROUND_Google``) stay in as references and are never queries.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from imgsim import arguments
from imgsim.arguments import DEFAULT_K
from imgsim.errors import ArgumentError, ModelFormatError
from imgsim.evaluation.classes import BACKGROUND, asked_classes, label_codes, label_scores, queries_of
from imgsim.evaluation.intervals import SHARED_NEIGHBORS, mean_interval
from imgsim.evaluation.pictures import nearest_pictures
from imgsim.io import arrow
from imgsim.io.atomic import atomic_path
from imgsim.io.untrusted import read_json
from imgsim.neighbors.exact import exact_knn, true_distances
from imgsim.neighbors.graph import NeighborGraph

SAMPLE = 1000

PER_IMAGE = "evaluation_images.parquet"
SCORES = ("precision", "map", "nn1")
_SCHEMA = pa.schema(
    [pa.field("picture", pa.int32(), nullable=False), *(pa.field(name, pa.float32()) for name in SCORES)]
)


@dataclass(frozen=True)
class Evaluation:
    """Metrics of a graph with 95 % confidence bounds, overall, per class and per image.

    ``metrics`` keys: ``images``, ``recall_at_<k>``; with labels also ``queries`` (different pictures, once per label),
    ``copies_left_out`` (images that show the picture of another one), ``precision_at_<k>`` (share of the k nearest
    pictures that carry the query's label), ``map_at_<k>``, ``nn1_accuracy`` and ``precision_at_<k>_macro`` (mean over
    classes). Of a metric that was learnt from labels they are cross-validated, and there is
    ``precision_at_<k>_label_free``; see `imgsim.evaluation.compared_with_label_free`. Those that are estimated have
    ``_low`` and ``_high``; recall has none where it is exact.

    ``per_class`` columns: label, images (queries), precision, map, nn1, precision_low, precision_high. ``per_image``
    has a row per image: picture (the first row of the same picture), and precision, map, nn1 of a query, else NaN;
    None without labels, and in evaluations of version 0.1.
    """

    metrics: dict[str, float]
    per_class: pd.DataFrame
    k: int
    per_image: pd.DataFrame | None = None

    @property
    def digest(self) -> str:
        """Hexadecimal sha256 of the metrics."""
        return hashlib.sha256(json.dumps(self.metrics, sort_keys=True).encode()).hexdigest()

    @property
    def pictures(self) -> NDArray[np.int64] | None:
        """For each row the first row of the same picture, (n,), as evaluated; None where unknown."""
        return None if self.per_image is None else self.per_image["picture"].to_numpy(np.int64)

    def save(self, folder: Path) -> None:
        """Write ``evaluation.json``, ``evaluation.parquet`` (per class) and `PER_IMAGE` into ``folder``."""
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_path(folder / "evaluation.json") as path:
            path.write_text(json.dumps({"k": self.k, "metrics": self.metrics}, indent=1))
        arrow.write_parquet(pa.Table.from_pandas(self.per_class, preserve_index=False), folder / "evaluation.parquet")
        if self.per_image is not None:
            table = pa.Table.from_pandas(self.per_image, _SCHEMA, preserve_index=False)
            arrow.write_parquet(table.replace_schema_metadata(None), folder / PER_IMAGE)

    @classmethod
    def load(cls, folder: Path, rows: int | None = None) -> Evaluation:
        """Read what `save` wrote, of ``rows`` images where that is known.

        Raises
        ------
        ModelFormatError
            A file is missing or damaged.
        """
        folder = arguments.path(folder, "folder")
        try:
            notes = read_json(folder / "evaluation.json")
            table = arrow.read_parquet(folder / "evaluation.parquet")
            metrics = {str(name): float(value) for name, value in notes["metrics"].items()}
            return cls(metrics, table.to_pandas(), int(notes["k"]), _read_per_image(folder / PER_IMAGE, rows))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            raise ModelFormatError(f"the evaluation in {folder} cannot be read: {error}") from error


def _read_per_image(path: Path, rows: int | None) -> pd.DataFrame | None:
    if not path.exists():
        return None
    table = arrow.read_parquet(path, _SCHEMA).to_pandas()
    if len(table) != (rows or len(table)) or not table["picture"].between(0, len(table) - 1).all():
        raise ValueError(f"{path.name} is of other images.")
    return table


def evaluate(
    matrix: NDArray[np.float32],
    graph: NeighborGraph,
    labels: Sequence[str | None] | None = None,
    k: int = DEFAULT_K,
    background: Sequence[str] = BACKGROUND,
    sample: int = SAMPLE,
    seed: int = 0,
    pictures: NDArray[np.int64] | None = None,
    *,
    neighbors: NDArray[np.int32] | None = None,
) -> Evaluation:
    """Evaluate a graph against exact search and against labels, leave-one-out.

    Images of one picture with one label are one query: their scores are averaged.

    Parameters
    ----------
    matrix : (n, d) float32
    graph : NeighborGraph
        Over the same rows, with at least ``k`` neighbours (or n - 1).
    labels : sequence of n, optional
        Class of each row; rows without one (None) are references, never queries.
    k : int
        Neighbours per query that are evaluated; cut to the number of other pictures.
    background : sequence of str
        Labels that stand for "none of the classes"; never queries.
    sample : int
        Number of queries of the recall estimate, drawn with ``seed``.
    pictures : (n,) int64, optional
        For each row the first row of the same picture (`imgsim.insights.duplicates.pictures.picture_ids`); default:
        every row is a picture of its own.
    neighbors : (n, l) int32, optional
        Nearest other pictures of each row, at least ``k``, to score labels by in place of the graph's; a row of -1 is
        no query.
    """
    background = arguments.labels(background, "background")
    pictures = np.arange(len(matrix)) if pictures is None else pictures
    distinct = len(np.unique(pictures))
    k = min(arguments.positive_int(k, "k"), max(1, distinct - 1))
    if graph.k < k and len(matrix) > 1:
        raise ArgumentError(f"the graph has {graph.k} neighbours per image, k={k} needs {k}: build it with k={k}.")
    metrics = {"images": float(len(matrix))} | recall(matrix, graph, k, sample, seed)
    if labels is None or all(label is None for label in labels):
        return Evaluation(metrics, _class_table([], {}), k)
    names, codes = label_codes(labels)
    query = asked_classes(names, codes, pictures, background=background)[codes]
    if neighbors is not None:
        query &= neighbors[:, 0] >= 0
    if not query.any():
        return Evaluation(metrics, _class_table([], {}), k)
    nearest = nearest_pictures(matrix, graph, pictures, k).neighbors if neighbors is None else neighbors[:, :k]
    scores = label_scores(codes, nearest, query, pictures)
    of_rows = np.full((len(SCORES), len(matrix)), np.nan, np.float32)
    of_rows[:, query] = scores
    per_image = pd.DataFrame({"picture": pictures.astype(np.int32), **dict(zip(SCORES, of_rows, strict=True))})
    queries = queries_of(codes[query], pictures[query])
    means = [queries.mean(values) for values in scores]
    per_class = _class_table(names[queries.codes], dict(zip(SCORES, means, strict=True)))
    metrics |= {"queries": float(len(queries.codes)), "copies_left_out": float(len(matrix) - distinct)}
    for name, values in zip((f"precision_at_{k}", f"map_at_{k}", "nn1_accuracy"), means, strict=True):
        metrics |= with_bounds(name, values, SHARED_NEIGHBORS)
    metrics[f"precision_at_{k}_macro"] = float(per_class["precision"].mean())
    return Evaluation(metrics, per_class, k, per_image)


def recall(
    matrix: NDArray[np.float32], graph: NeighborGraph, k: int, sample: int = SAMPLE, seed: int = 0
) -> dict[str, float]:
    """Estimate recall@k, the share of the true k nearest that the graph lists, on a seeded sample of rows.

    A listed row at the distance of the true k-th counts as found. Keys are ``recall_at_<k>``, and ``_low`` and
    ``_high`` unless all rows were compared, or the graph is that of exact search.
    """
    n = len(matrix)
    if n < 2:
        return {}
    rows = np.sort(np.random.default_rng(seed).choice(n, min(n, sample), replace=False))
    _, true = exact_knn(matrix[rows], matrix, k, exclude=rows)
    listed = true_distances(matrix[rows], matrix, graph.neighbors[rows, :k])  # saved ones may be of another processor
    hits = (listed <= true[:, -1:]).mean(axis=1)
    exact = len(rows) == n or (graph.method == "exact" and hits.min() == 1)
    return {f"recall_at_{k}": float(hits.mean())} if exact else with_bounds(f"recall_at_{k}", hits)


def metric_titles(k: int) -> dict[str, tuple[str, str]]:
    """Return the title and the meaning of each metric that `evaluate` measures, in the order to show them."""
    return {
        f"precision_at_{k}": (
            f"Precision@{k}",
            f"Share of an image's {k} nearest other pictures that carry its label.",
        ),
        f"map_at_{k}": (f"mAP@{k}", f"Mean average precision of the {k} nearest: those ranked first count more."),
        "nn1_accuracy": ("1-NN accuracy", "How often the nearest other picture carries the same label."),
        f"precision_at_{k}_macro": (
            "Mean over classes",
            f"Precision@{k} where every class counts the same, large or small.",
        ),
        f"recall_at_{k}": (
            f"Graph recall@{k}",
            f"Share of the true {k} nearest, found by exact search, that the graph lists; needs no labels.",
        ),
        f"precision_at_{k}_label_free": (
            f"Precision@{k} without learning",
            "The same by the metric before it was learnt from labels.",
        ),
        f"precision_at_{k}_seen": (
            f"Precision@{k}, taught labels",
            "Images of labels that the metric was learnt from.",
        ),
        f"precision_at_{k}_unseen": (f"Precision@{k}, other labels", "Images of labels that taught it nothing."),
    }


def with_bounds(name: str, values: NDArray[np.float64], design_effect: float = 1.0) -> dict[str, float]:
    """Return the mean of a metric, and as ``_low`` and ``_high`` the ends of its 95 % interval."""
    mean, low, high = mean_interval(values, design_effect)
    return {name: float(mean), f"{name}_low": float(low), f"{name}_high": float(high)}


def _class_table(names: Sequence[str] | NDArray[np.object_], scores: dict[str, NDArray[np.float64]]) -> pd.DataFrame:
    """Return means of the queries of each class; ``names`` (q,) are the classes of the queries."""
    table = pd.DataFrame(
        {"label": pd.Series(list(map(str, names)), dtype="str"), **dict.fromkeys(SCORES, 0.0), **scores}
    )
    grouped = table.groupby("label", sort=True)
    means = grouped[list(SCORES)].mean()
    means.insert(0, "images", grouped.size())
    bounds = [mean_interval(values.to_numpy(), SHARED_NEIGHBORS)[1:] for _, values in grouped["precision"]]
    means[["precision_low", "precision_high"]] = np.reshape(bounds, (-1, 2)).astype(np.float64)
    return means.reset_index()
