"""Evaluation of a k-NN graph: recall against exact search; precision, mAP and 1-NN accuracy on labels.

Leave-one-out: every image is a query against all others. Labels that stand for "none of the
classes" (Caltech-101's ``BACKGROUND_Google``) stay in as references and are never queries.
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
from imgsim.evaluation.classes import BACKGROUND, asked_classes, label_codes, label_scores, mean_interval
from imgsim.io import arrow
from imgsim.io.atomic import atomic_path
from imgsim.io.untrusted import read_json
from imgsim.neighbors.exact import exact_knn
from imgsim.neighbors.graph import NeighborGraph

SAMPLE = 1000


@dataclass(frozen=True)
class Evaluation:
    """Metrics of a graph with 95 % confidence bounds, overall and per class.

    ``metrics`` keys: ``images``, ``recall_at_<k>``; with labels also ``queries``,
    ``precision_at_<k>`` (share of the k nearest that carry the query's label), ``map_at_<k>``,
    ``nn1_accuracy`` and ``precision_at_<k>_macro`` (mean over classes), each of the first four with
    ``_low`` and ``_high``. ``per_class`` columns: label, images, precision, map, nn1.
    """

    metrics: dict[str, float]
    per_class: pd.DataFrame
    k: int

    @property
    def digest(self) -> str:
        """Hexadecimal sha256 of the metrics."""
        return hashlib.sha256(json.dumps(self.metrics, sort_keys=True).encode()).hexdigest()

    def save(self, folder: Path) -> None:
        """Write ``evaluation.json`` and ``evaluation.parquet`` (per class) into ``folder``."""
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_path(folder / "evaluation.json") as path:
            path.write_text(json.dumps({"k": self.k, "metrics": self.metrics}, indent=1))
        arrow.write_parquet(pa.Table.from_pandas(self.per_class, preserve_index=False), folder / "evaluation.parquet")

    @classmethod
    def load(cls, folder: Path) -> Evaluation:
        """Read what `save` wrote.

        Raises
        ------
        ModelFormatError
            A file is missing or damaged.
        """
        try:
            notes = read_json(folder / "evaluation.json")
            table = arrow.read_parquet(folder / "evaluation.parquet")
            metrics = {str(name): float(value) for name, value in notes["metrics"].items()}
            return cls(metrics, table.to_pandas(), int(notes["k"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            raise ModelFormatError(f"the evaluation in {folder} cannot be read: {error}") from error


def evaluate(
    matrix: NDArray[np.float32],
    graph: NeighborGraph,
    labels: Sequence[str | None] | None = None,
    k: int = DEFAULT_K,
    background: Sequence[str] = BACKGROUND,
    sample: int = SAMPLE,
    seed: int = 0,
) -> Evaluation:
    """Evaluate a graph against exact search and against labels, leave-one-out.

    Parameters
    ----------
    matrix : (n, d) float32
    graph : NeighborGraph
        Over the same rows, with at least ``k`` neighbours (or n - 1).
    labels : sequence of n, optional
        Class of each row; rows without one (None) are references, never queries.
    k : int
        Neighbours per query that are evaluated.
    background : sequence of str
        Labels that stand for "none of the classes"; never queries.
    sample : int
        Number of queries of the recall estimate, drawn with ``seed``.
    """
    k = min(arguments.positive_int(k, "k"), max(1, len(matrix) - 1))
    if graph.k < k and len(matrix) > 1:
        raise ArgumentError(f"the graph has {graph.k} neighbours per image, k={k} needs {k}: build it with k={k}.")
    metrics = {"images": float(len(matrix))} | recall(matrix, graph, k, sample, seed)
    if labels is None or len(matrix) < 2:
        return Evaluation(metrics, _class_table({}), k)
    names, codes = label_codes(labels)
    query = asked_classes(names, codes, None, background)[codes]
    if not query.any():
        return Evaluation(metrics, _class_table({}), k)
    scores = label_scores(codes, graph.neighbors[:, :k], query)
    per_class = _per_class(names[codes[query]], scores)
    metrics |= {"queries": float(query.sum())}
    for name, values in zip((f"precision_at_{k}", f"map_at_{k}", "nn1_accuracy"), scores, strict=True):
        metrics |= _with_bounds(name, values)
    metrics[f"precision_at_{k}_macro"] = float(per_class["precision"].mean())
    return Evaluation(metrics, per_class, k)


def recall(
    matrix: NDArray[np.float32], graph: NeighborGraph, k: int, sample: int = SAMPLE, seed: int = 0
) -> dict[str, float]:
    """Estimate recall@k, the share of the true k nearest that the graph lists, on a seeded sample of rows.

    A listed row at the distance of the true k-th counts as found. Keys are ``recall_at_<k>``, with ``_low`` and
    ``_high``.
    """
    n = len(matrix)
    if n < 2:
        return {}
    rows = np.sort(np.random.default_rng(seed).choice(n, min(n, sample), replace=False))
    _, true = exact_knn(matrix[rows], matrix, k, exclude=rows)
    listed = graph.distances[rows, :k]
    hits = (listed <= true[:, -1:]).mean(axis=1)
    return _with_bounds(f"recall_at_{k}", hits)


def metric_titles(k: int) -> dict[str, tuple[str, str]]:
    """Return the title and the meaning of each metric that `evaluate` measures, in the order to show them."""
    return {
        f"precision_at_{k}": (f"Precision@{k}", f"Share of an image's {k} nearest that carry its label."),
        f"map_at_{k}": (f"mAP@{k}", f"Mean average precision of the {k} nearest: those ranked first count more."),
        "nn1_accuracy": ("1-NN accuracy", "How often the nearest image carries the same label."),
        f"precision_at_{k}_macro": (
            "Mean over classes",
            f"Precision@{k} where every class counts the same, large or small.",
        ),
        f"recall_at_{k}": (
            f"Graph recall@{k}",
            f"Share of the true {k} nearest, found by exact search, that the graph lists; needs no labels.",
        ),
    }


def _with_bounds(name: str, values: NDArray[np.float64]) -> dict[str, float]:
    mean, low, high = mean_interval(values)
    return {name: float(mean), f"{name}_low": float(low), f"{name}_high": float(high)}


def _per_class(names: NDArray[np.object_], scores: tuple[NDArray[np.float64], ...]) -> pd.DataFrame:
    columns = dict(zip(("precision", "map", "nn1"), scores, strict=True))
    grouped = pd.DataFrame({"label": names.astype(str)} | columns).groupby("label", sort=True)
    return _class_table({"images": grouped.size(), **{name: grouped[name].mean() for name in columns}})


def _class_table(columns: dict[str, pd.Series]) -> pd.DataFrame:
    if not columns:
        return pd.DataFrame({"label": pd.Series(dtype="str"), "images": pd.Series(dtype="int64")}).assign(
            precision=pd.Series(dtype="float64"), map=pd.Series(dtype="float64"), nn1=pd.Series(dtype="float64")
        )
    return pd.DataFrame(columns).rename_axis("label").reset_index()
