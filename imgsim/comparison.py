"""Comparison of two models: images in both, neighbours in common, and differences of metrics beyond chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from imgsim import arguments
from imgsim.arguments import DEFAULT_K
from imgsim.evaluation import SAMPLE, mean_interval, metric_titles

if TYPE_CHECKING:
    from imgsim.images.table import ImageTable
    from imgsim.model import SimilarityModel

Rows = NDArray[np.int64]
_METHODS = {"exact": "exact search", "nn_descent": "NN-Descent", "partitioned": "NN-Descent in partitions"}

Kind = Literal["stays", "up", "down", "new", "gone", "absent"]


@dataclass(frozen=True)
class Comparison:
    """Differences of two models, called before and after; `compare` makes one, ``print`` shows it.

    Parameters
    ----------
    counterparts : (n,) int64
        For each image of the first model its row in the second, -1 where it has none.
    overlap : Overlap or None
        Neighbours in common; None when the models share no image or list no neighbours.
    metrics : DataFrame
        As `metric_differences` returns it.
    facts : DataFrame
        As `facts` returns it.
    """

    counterparts: Rows
    overlap: Overlap | None
    metrics: pd.DataFrame
    facts: pd.DataFrame

    def __str__(self) -> str:
        parts = [self.facts.to_string(index=False)]
        if len(self.metrics):
            parts.append(self.metrics.drop(columns="metric").to_string(index=False, float_format="{:.3f}".format))
        parts.append("no neighbours to compare" if self.overlap is None else str(self.overlap))
        return "\n\n".join(parts)


def compare(
    before: SimilarityModel, after: SimilarityModel, k: int = DEFAULT_K, sample: int = SAMPLE, seed: int = 0
) -> Comparison:
    """Compare two models: facts, metrics, and the neighbours that both list for the same images.

    Parameters
    ----------
    before, after : SimilarityModel
        Over images that are partly the same; an image is known by its content.
    k : int
        Neighbours that count, at most those that both graphs list.
    sample : int
        Images whose neighbours are compared, drawn with ``seed``.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        ``k`` or ``sample`` is no positive whole number.

    Examples
    --------
    >>> print(imgsim.compare(model, other))  # doctest: +SKIP
    """
    across = counterparts(before.images, after.images)
    overlap = neighbor_overlap(before, after, across, k, sample, seed)
    return Comparison(across, overlap, metric_differences(before, after), facts(before, after, across))


def counterparts(images: ImageTable, other: ImageTable) -> Rows:
    """Find the row of each image in another table, by content; (n,) int64, -1 where it has none, read-only.

    The first of several files of equal bytes (by path) is the first of them there; images without bytes are known by
    their path.
    """
    across: Rows = _identities(other).get_indexer(_identities(images)).astype(np.int64)
    across.setflags(write=False)
    return across


def _identities(images: ImageTable) -> pd.MultiIndex:
    table = pd.DataFrame({"content": images.sha256, "path": images.paths})
    table["content"] = table["content"].where(table["content"] != "", "path " + table["path"])
    number = table.sort_values(["content", "path"], kind="stable").groupby("content").cumcount()
    return pd.MultiIndex.from_arrays([table["content"], number.sort_index()])


@dataclass(frozen=True)
class Overlap:
    """Neighbours that two graphs list for the same images.

    Parameters
    ----------
    k : int
        Neighbours that were compared.
    shared : int
        Images in both models.
    rows : (m,) int64
        Sampled images by their row in the first model, those with the fewest neighbours in common first.
    common : (m,) int64
        Neighbours in common of each of ``rows``, 0 to ``k``.
    same : int
        How many of them list the very same neighbours in the same order.
    """

    k: int
    shared: int
    rows: Rows
    common: Rows
    same: int

    @property
    def mean(self) -> float:
        """Mean share of neighbours in common, 0 to 1."""
        return self._interval[0]

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval of the mean."""
        return self._interval[1]

    @property
    def high(self) -> float:
        """Upper end of the 95 % interval of the mean."""
        return self._interval[2]

    @property
    def _interval(self) -> tuple[float, ...]:
        return tuple(map(float, mean_interval(self.common / self.k)))

    @property
    def spread(self) -> pd.DataFrame:
        """Images by their number of neighbours in common; columns common (0 to k), images."""
        counts = np.bincount(self.common, minlength=self.k + 1)
        return pd.DataFrame({"common": np.arange(self.k + 1), "images": counts})

    def __str__(self) -> str:
        return (
            f"{self.mean:.1%} of the {self.k} neighbours are the same (95 %: {self.low:.1%} to {self.high:.1%}), "
            f"measured on {len(self.rows):,} of {self.shared:,} images in both; {self.same:,} list the same in order"
        )


def neighbor_overlap(
    before: SimilarityModel,
    after: SimilarityModel,
    across: Rows,
    k: int = DEFAULT_K,
    sample: int = SAMPLE,
    seed: int = 0,
) -> Overlap | None:
    """Count the neighbours that both graphs list, over a seeded sample of shared images.

    Parameters
    ----------
    before, after : SimilarityModel
    across : (n,) int64
        `counterparts` of ``before`` in ``after``.
    k, sample, seed : int
        As in `compare`.

    Returns
    -------
    Overlap or None
        None when the models share no image or list no neighbours.
    """
    rows = np.flatnonzero(across >= 0)
    k = min(arguments.positive_int(k, "k"), before.graph.k, after.graph.k)
    if not len(rows) or not k:
        return None
    size = min(arguments.positive_int(sample, "sample"), len(rows))
    drawn = np.sort(np.random.default_rng(seed).choice(rows, size, replace=False))
    mine = across[before.graph.neighbors[drawn, :k]]
    theirs = after.graph.neighbors[across[drawn], :k]
    common = ((mine[:, :, None] == theirs[:, None, :]) & (mine[:, :, None] >= 0)).any(axis=2).sum(axis=1)
    order = np.argsort(common, kind="stable")
    return Overlap(k, len(rows), drawn[order], common[order], int((mine == theirs).all(axis=1).sum()))


@dataclass(frozen=True)
class Move:
    """Fate of an image of one list in another list.

    Parameters
    ----------
    row : int
        In the model of this list.
    rank : int
        Here, from 1.
    there : int or None
        Rank in the other list; None: it is not in it.
    kind : str
        ``"stays"``, ``"up"``, ``"down"``, ``"gone"`` or ``"new"``; ``"absent"`` when the other model has no such image.
    """

    row: int
    rank: int
    there: int | None
    kind: Kind


def moves(mine: Sequence[int], theirs: Sequence[int], across: Rows, forward: bool = True) -> list[Move]:
    """Follow every image of one list of rows, nearest first, into another.

    Parameters
    ----------
    mine : sequence of int
        Rows in this model.
    theirs : sequence of int
        Rows in the other model.
    across : (n,) int64
        `counterparts` of this model in the other one.
    forward : bool
        True when this list is the one before: what is not in the other one is gone, else new.
    """
    ranks = {row: rank for rank, row in enumerate(theirs, 1)}
    found = []
    for rank, row in enumerate(mine, 1):
        there = ranks.get(int(across[row])) if across[row] >= 0 else None
        found.append(Move(row, rank, there, _kind(rank, there, across[row] >= 0, forward)))
    return found


def _kind(rank: int, there: int | None, known: bool, forward: bool) -> Kind:
    if not known:
        return "absent"
    if there is None:
        return "gone" if forward else "new"
    if there == rank:
        return "stays"
    return "up" if (there < rank) == forward else "down"


@dataclass(frozen=True)
class Agreement:
    """Images in both of two lists, as share of the longer list and of all in either, and how many of them moved."""

    overlap: int
    share: float
    jaccard: float
    moved: int


def agreement(before: Sequence[Move], after: Sequence[Move]) -> Agreement:
    """Measure the agreement of two lists by their moves."""
    overlap = sum(move.there is not None for move in before)
    longest, either = max(len(before), len(after)), len(before) + len(after) - overlap
    moved = sum(move.kind in ("up", "down") for move in before)
    return Agreement(overlap, overlap / longest if longest else 1.0, overlap / either if either else 1.0, moved)


def metric_differences(before: SimilarityModel, after: SimilarityModel) -> pd.DataFrame:
    """Compare the metrics of two evaluations; a difference within the 95 % interval of either is chance.

    Returns
    -------
    DataFrame
        Columns metric, title, before, after, difference (NaN where a model lacks the metric) and verdict: ``"better"``,
        ``"worse"``, ``"unclear"``, ``"equal"``, ``"only before"`` or ``"only after"``.
    """
    evaluations = [model.evaluation for model in (before, after) if model.evaluation is not None]
    titles = {name: title for found in evaluations for name, (title, _) in metric_titles(found.k).items()}
    old, new = ({} if model.evaluation is None else model.evaluation.metrics for model in (before, after))
    rows = []
    for name, title in titles.items():
        if name in old or name in new:
            a, b = old.get(name, np.nan), new.get(name, np.nan)
            rows.append((name, title, a, b, b - a, _verdict(name, old, new)))
    return pd.DataFrame(rows, columns=["metric", "title", "before", "after", "difference", "verdict"])


def _verdict(name: str, old: dict[str, float], new: dict[str, float]) -> str:
    if name not in old or name not in new:
        return "only before" if name in old else "only after"
    a, b = old[name], new[name]
    if a == b:
        return "equal"
    measured = f"{name}_low" in old and f"{name}_low" in new
    if measured and (old[f"{name}_low"] <= b <= old[f"{name}_high"] or new[f"{name}_low"] <= a <= new[f"{name}_high"]):
        return "unclear"
    return "better" if b > a else "worse"


def facts(before: SimilarityModel, after: SimilarityModel, across: Rows) -> pd.DataFrame:
    """Describe two models beside each other; columns fact, before, after, as text."""
    shared = int((across >= 0).sum())

    def of(model: SimilarityModel) -> list[str]:
        return [
            f"{len(model.images):,}",
            f"{len(model.images) - shared:,}",
            f"{len(set(model.images.labels) - {None}):,}",
            model.backbone.name,
            f"{model.embeddings.shape[1]:,}",
            f"{model.graph.k} by {_METHODS.get(model.graph.method, model.graph.method)}",
        ]

    names = ["images", "of these not in the other", "labels", "backbone", "dimensions", "neighbours in the graph"]
    return pd.DataFrame({"fact": names, "before": of(before), "after": of(after)})
