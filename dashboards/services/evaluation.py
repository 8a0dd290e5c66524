"""How good a version is: its figures, its classes, which labels are taken for which, and the versions before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dashboards.services.models.loaded_model import Loaded
from dashboards.services.models.per_model_cache import per_model
from imgsim.evaluation import SAMPLE, Z95

if TYPE_CHECKING:
    from dashboards.services.models.registry import Version
    from imgsim.evaluation import Evaluation

Rows = NDArray[np.int64]

WORST = 20
OTHERS = "all other labels"
ORDERS = {
    "weakest": ("Weakest first", "precision", True),
    "strongest": ("Strongest first", "precision", False),
    "largest": ("Most images first", "images", False),
    "name": ("By name", "label", True),
}
"""Order of the table of classes: its name, the column, and whether it rises."""
_SECONDS = "seconds."


@dataclass(frozen=True)
class Figure:
    """One metric with its 95 % interval (None: it has none) and what it means."""

    name: str
    title: str
    value: float
    low: float | None
    high: float | None
    meaning: str

    @property
    def interval(self) -> str:
        """``"0.912 to 0.934"``, or nothing."""
        return "" if self.low is None or self.high is None else f"{self.low:.3f} to {self.high:.3f}"


def titles(k: int) -> dict[str, tuple[str, str]]:
    """Name of a metric to its title and meaning, in the order they are shown."""
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


def figures(evaluation: Evaluation) -> list[Figure]:
    """The metrics an evaluation holds."""
    metrics = evaluation.metrics
    return [
        Figure(name, title, metrics[name], metrics.get(f"{name}_low"), metrics.get(f"{name}_high"), meaning)
        for name, (title, meaning) in titles(evaluation.k).items()
        if name in metrics
    ]


def recall_words(loaded: Loaded) -> str:
    """How graph recall was measured, in one sentence."""
    n = len(loaded)
    graph = loaded.model.graph
    if graph.method == "exact":
        return "The graph was built by exact search, so it lists the true neighbours."
    return (
        f"The graph was built by NN-Descent. Recall was measured on {min(n, SAMPLE):,} of {n:,} images drawn by a seed "
        "(unless the pipeline was told another number), each against exact search over all."
    )


def class_table(evaluation: Evaluation, order: str = "weakest") -> pd.DataFrame:
    """A row per class: label, images, precision, map, nn1."""
    _, column, rising = ORDERS.get(order, ORDERS["weakest"])
    table = evaluation.per_class.sort_values([column, "label"], ascending=[rising, True], kind="stable")
    return table.reset_index(drop=True)


def class_rows(loaded: Loaded, label: str, other: str = "") -> tuple[Rows, Rows]:
    """Rows of a label, hardest first, and how many of their listed neighbours share it.

    With ``other``: only rows that list images of that label, those with most of them first, and how many they list.
    """
    wanted = other or label
    if label not in loaded.labels or wanted not in loaded.labels:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    rows = np.flatnonzero(loaded.label_codes == loaded.labels.index(label))
    listed = loaded.label_codes[loaded.model.graph.neighbors[rows]]
    counts = (listed == loaded.labels.index(wanted)).sum(axis=1)
    order = np.argsort(-counts if other else counts, kind="stable")
    order = order[counts[order] > 0] if other else order
    return rows[order], counts[order]


def _asked(loaded: Loaded) -> NDArray[np.bool_]:
    """(labels + 1,) the labels that were evaluated; the last entry is for none."""
    evaluation = loaded.model.evaluation
    known = [] if evaluation is None else evaluation.per_class["label"].tolist()
    return np.append(np.isin(loaded.labels, known), False)


def _evaluated(loaded: Loaded) -> int:
    """Neighbours that count: as many as were evaluated, at most those of the graph."""
    evaluation = loaded.model.evaluation
    return 0 if evaluation is None else min(loaded.model.graph.k, evaluation.k)


@per_model()
def precision_curve(loaded: Loaded) -> pd.DataFrame:
    """Columns k, precision, low, high with 95 % intervals, for every k that was evaluated; empty without labels."""
    rows = np.flatnonzero(_asked(loaded)[loaded.label_codes])
    k = _evaluated(loaded)
    if not len(rows) or not k:
        return pd.DataFrame({"k": [], "precision": [], "low": [], "high": []})
    same = loaded.label_codes[loaded.model.graph.neighbors[rows, :k]] == loaded.label_codes[rows][:, None]
    shares = np.cumsum(same, axis=1) / np.arange(1, k + 1)
    mean, half = shares.mean(axis=0), Z95 * shares.std(axis=0) / len(rows) ** 0.5
    columns = {
        "k": np.arange(1, k + 1),
        "precision": mean,
        "low": np.maximum(mean - half, 0),
        "high": np.minimum(mean + half, 1),
    }
    return pd.DataFrame(columns)


@dataclass(frozen=True)
class Confusion:
    """Which labels the neighbours of a label's images carry.

    ``own`` is the share that carries the label itself, by label; ``pairs`` has the columns label, other,
    share (of the neighbours of ``label``) and count, the largest share first; ``k`` neighbours were looked at.
    """

    own: pd.Series
    pairs: pd.DataFrame
    k: int


@per_model()
def confusion(loaded: Loaded) -> Confusion | None:
    """Count it from the graph; None where there are fewer than two labels to take for each other.

    Images without label are neighbours without label; labels that were not evaluated are never asked for.
    """
    width, codes, k = len(loaded.labels), loaded.label_codes, _evaluated(loaded)
    sizes = np.bincount(codes[codes >= 0], minlength=width)
    asked = _asked(loaded)
    rows = np.flatnonzero(asked[codes])
    if width < 2 or not k or not len(rows):
        return None
    listed = codes[loaded.model.graph.neighbors[rows, :k]].astype(np.int64)
    keys = codes[rows].astype(np.int64)[:, None] * (width + 1) + listed + 1
    found, counts = np.unique(keys, return_counts=True)
    label, other = np.divmod(found, width + 1)
    shares = counts / (sizes[label] * k)
    names = np.array([None, *loaded.labels], object)
    table = pd.DataFrame({"label": names[label + 1], "other": names[other], "share": shares, "count": counts})
    own = np.zeros(width)
    same = label + 1 == other
    own[label[same]] = shares[same]
    pairs = table[~same & (other > 0)].sort_values(["share", "count"], ascending=False, kind="stable")
    return Confusion(pd.Series(own, list(loaded.labels))[asked[:-1]], pairs.reset_index(drop=True), k)


def worst(confused: Confusion, most: int = WORST) -> list[str]:
    """The labels with the fewest neighbours of their own label, the fewest first."""
    return list(confused.own.sort_values(kind="stable").index[:most])


def heatmap(confused: Confusion, most: int = WORST) -> pd.DataFrame:
    """Columns label, other, share for the ``most`` labels with the fewest neighbours of their own label.

    What goes to labels beyond these is summed up as `OTHERS`.
    """
    labels = worst(confused, most)
    part = confused.pairs[confused.pairs["label"].isin(labels)]
    inside = part[part["other"].isin(labels)][["label", "other", "share"]]
    beyond = part[~part["other"].isin(labels)].groupby("label")["share"].sum()
    own = pd.DataFrame({"label": labels, "other": labels, "share": confused.own[labels].to_numpy()})
    rest = pd.DataFrame({"label": beyond.index, "other": OTHERS, "share": beyond.to_numpy()})
    cells = pd.concat([part for part in (own, inside, rest) if len(part)])
    return cells.sort_values(["label", "other"], kind="stable").reset_index(drop=True)


def history(versions: Sequence[Version]) -> pd.DataFrame:
    """A row per version, oldest first: version, aliases, created, the figures that have a line, and why."""
    ordered = sorted(versions, key=lambda version: int(version.version))
    columns = {
        "version": [version.version for version in ordered],
        "aliases": [", ".join(version.aliases) for version in ordered],
        "created": [version.created for version in ordered],
        "images": [version.tags.get("imgsim.images", "") for version in ordered],
        "backbone": [version.tags.get("imgsim.backbone", "") for version in ordered],
        "promotion": [version.tags.get("imgsim.promotion", "") for version in ordered],
    }
    table = pd.DataFrame(columns)
    for name in ("precision_at_10", "precision_at_10_low", "precision_at_10_high", "recall_at_10"):
        table[name] = np.array([version.metrics.get(name, np.nan) for version in ordered], float)
    return table


def history_lines(table: pd.DataFrame) -> pd.DataFrame:
    """`history` as points of a chart: version, metric, value, low, high, promotion; unknown ones left out."""
    lines = [("Precision@10", "precision_at_10", "precision_at_10_low", "precision_at_10_high")]
    lines += [("Graph recall@10", "recall_at_10", "recall_at_10", "recall_at_10")]
    parts = [
        pd.DataFrame(
            {
                "version": table["version"].astype(int),
                "metric": title,
                "value": table[name],
                "low": table[low],
                "high": table[high],
                "promotion": table["promotion"],
            }
        )
        for title, name, low, high in lines
    ]
    return pd.concat(parts).dropna(subset=["value"]).reset_index(drop=True)


def timings(loaded: Loaded, run: dict[str, float]) -> pd.DataFrame:
    """Columns stage, seconds, cpu_seconds, peak_memory_mb: what the run that made this version measured.

    Parameters
    ----------
    loaded : Loaded
    run : dict of str to float
        Metrics of the MLflow run; empty when it is not known.
    """
    stages = [name.removeprefix(_SECONDS) for name in run if name.startswith(_SECONDS)]
    if not stages and loaded.model.graph.seconds:
        return pd.DataFrame({"stage": ["graph"], "seconds": [loaded.model.graph.seconds]})
    columns: dict[str, list[object]] = {"stage": list(stages)}
    for name in ("seconds", "cpu_seconds", "peak_memory_mb"):
        columns[name] = [run.get(f"{name}.{stage}", np.nan) for stage in stages]
    return pd.DataFrame(columns).sort_values("seconds", ascending=False, kind="stable").reset_index(drop=True)


def run_metrics(run_id: str | None) -> dict[str, float]:
    """Metrics of an MLflow run; none when it is gone or the server does not answer."""
    from imgsim.errors import ImgsimError
    from imgsim.mlflow.connection import connect

    if not run_id:
        return {}
    try:
        with connect() as connection:
            return {str(name): float(value) for name, value in connection.client.get_run(run_id).data.metrics.items()}
    except ImgsimError:
        return {}


def safe_url(url: str | None) -> str | None:
    """An address a browser may be sent to: http or https, else None."""
    return url if url and url.lower().startswith(("http://", "https://")) else None
