"""Comparison of two models: images in both, neighbours in common, and differences of metrics beyond chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from imgsim import arguments
from imgsim.arguments import DEFAULT_K
from imgsim.backbones.spec import FP32
from imgsim.evaluation import SAMPLE, SCORES, SHARED_NEIGHBORS, difference_interval, mean_interval, metric_titles

if TYPE_CHECKING:
    from imgsim.images.table import ImageTable
    from imgsim.model import SimilarityModel

Rows = NDArray[np.int64]
_METHODS = {
    "exact": "exact search",
    "nn_descent": "NN-Descent",
    "partitioned": "NN-Descent in partitions",
    "pynndescent": "pynndescent",
}

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
            shown = self.metrics.drop(columns="metric")
            parts.append(shown.to_string(index=False, float_format="{:.3f}".format, na_rep=""))
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
        ``k`` or ``sample`` is no positive whole number, or ``seed`` no whole number of at least 0.

    Examples
    --------
    >>> print(imgsim.compare(model, other))  # doctest: +SKIP
    """
    from imgsim.model import SimilarityModel

    for model, name in ((before, "before"), (after, "after")):
        arguments.instance(model, SimilarityModel, name)
    across = counterparts(before.images, after.images)
    overlap = neighbor_overlap(before, after, across, k, sample, seed)
    return Comparison(across, overlap, metric_differences(before, after, across), facts(before, after, across))


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
        """Lower end of the 95 % interval of the mean; the mean where all images in both were compared."""
        return self._interval[1]

    @property
    def high(self) -> float:
        """Upper end of the 95 % interval of the mean."""
        return self._interval[2]

    @property
    def _interval(self) -> tuple[float, ...]:
        shares = self.common / self.k
        return (float(shares.mean()),) * 3 if self.exact else tuple(map(float, mean_interval(shares)))

    @property
    def exact(self) -> bool:
        """True where all shared images were compared, so that the mean is no estimate."""
        return len(self.rows) == self.shared

    @property
    def spread(self) -> pd.DataFrame:
        """Images by their number of neighbours in common; columns common (0 to k), images."""
        counts = np.bincount(self.common, minlength=self.k + 1)
        return pd.DataFrame({"common": np.arange(self.k + 1), "images": counts})

    def __str__(self) -> str:
        interval = "" if self.exact else f" (95 %: {self.low:.1%} to {self.high:.1%})"
        return (
            f"{self.mean:.1%} of the {self.k} neighbours are the same{interval}, "
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
    drawn = np.sort(np.random.default_rng(arguments.seed(seed)).choice(rows, size, replace=False))
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


def metric_differences(before: SimilarityModel, after: SimilarityModel, across: Rows | None = None) -> pd.DataFrame:
    """Compare the metrics of two evaluations.

    Metrics on labels are compared picture by picture, over the queries of both models: a difference is more than chance
    if the 95 % interval of the mean difference leaves out 0. Elsewhere (another k, an evaluation without scores of
    images) a difference within the 95 % interval of either metric is chance.

    Parameters
    ----------
    before, after : SimilarityModel
    across : (n,) int64, optional
        `counterparts` of ``before`` in ``after``.

    Returns
    -------
    DataFrame
        Columns metric, title, before, after, difference (NaN where a model lacks the metric), low, high (of the mean
        difference of pictures in both; NaN where they are not compared) and verdict: ``"better"``, ``"worse"``,
        ``"unclear"``, ``"equal"``, ``"only before"`` or ``"only after"``.
    """
    evaluations = [model.evaluation for model in (before, after) if model.evaluation is not None]
    titles = {name: title for found in evaluations for name, (title, _) in metric_titles(found.k).items()}
    old, new = ({} if model.evaluation is None else model.evaluation.metrics for model in (before, after))
    paired = _paired(before, after, counterparts(before.images, after.images) if across is None else across)
    rows = []
    for name, title in titles.items():
        if name in old or name in new:
            a, b = old.get(name, np.nan), new.get(name, np.nan)
            low, high = paired.get(name, (np.nan, np.nan))
            rows.append((name, title, a, b, b - a, low, high, _verdict(name, old, new, paired)))
    return pd.DataFrame(rows, columns=["metric", "title", "before", "after", "difference", "low", "high", "verdict"])


def _paired(before: SimilarityModel, after: SimilarityModel, across: Rows) -> dict[str, tuple[float, float]]:
    """Return the 95 % interval of the mean difference of pictures that are queries in both models, by metric."""
    old, new = before.evaluation, after.evaluation
    if old is None or new is None or old.k != new.k or old.per_image is None or new.per_image is None:
        return {}
    mine = old.per_image[across >= 0].reset_index(drop=True)
    theirs = new.per_image.loc[across[across >= 0]].reset_index(drop=True)
    differences = (theirs - mine).groupby(mine["picture"])[list(SCORES)].mean().dropna()
    if not len(differences):
        return {}
    names = (f"precision_at_{old.k}", f"map_at_{old.k}", "nn1_accuracy")
    _, low, high = difference_interval(differences.to_numpy(np.float64), SHARED_NEIGHBORS)
    return {name: (float(low[i]), float(high[i])) for i, name in enumerate(names)}


def _verdict(
    name: str, old: dict[str, float], new: dict[str, float], paired: Mapping[str, tuple[float, float]] | None = None
) -> str:
    if name not in old or name not in new:
        return "only before" if name in old else "only after"
    a, b = old[name], new[name]
    if a == b:
        return "equal"
    if paired and name in paired:
        low, high = paired[name]
        return "better" if low > 0 else "worse" if high < 0 else "unclear"
    measured = f"{name}_low" in old and f"{name}_low" in new
    if measured and (old[f"{name}_low"] <= b <= old[f"{name}_high"] or new[f"{name}_low"] <= a <= new[f"{name}_high"]):
        return "unclear"
    return "better" if b > a else "worse"


def changed_labels(before: SimilarityModel, after: SimilarityModel, across: Rows) -> pd.DataFrame:
    """List the images of both models whose label differs: columns row (in ``before``), before and after."""
    rows = np.flatnonzero(across >= 0)
    old = np.asarray(before.images.labels, object)[rows]
    new = np.asarray(after.images.labels, object)[across[rows]]
    differ = old != new
    columns = {name: pd.Series(labels[differ], dtype=object) for name, labels in (("before", old), ("after", new))}
    return pd.DataFrame({"row": rows[differ], **columns})


def class_differences(before: SimilarityModel, after: SimilarityModel) -> pd.DataFrame:
    """Compare the precision of every class.

    Returns
    -------
    DataFrame
        Columns label, images_before, images_after (queries), before, after (precision) and difference, the largest
        loss first; NaN where a model lacks the class. No rows unless both were evaluated with the same k.
    """
    old, new = before.evaluation, after.evaluation
    columns = ["label", "images_before", "images_after", "before", "after", "difference"]
    if old is None or new is None or old.k != new.k:
        return pd.DataFrame(columns=columns)
    sides = [found.per_class[["label", "images", "precision"]] for found in (old, new)]
    table = sides[0].merge(sides[1], "outer", on="label", suffixes=("_before", "_after"))
    table = table.rename(columns={"precision_before": "before", "precision_after": "after"})
    table["difference"] = table["after"] - table["before"]
    return table.sort_values(["difference", "label"], kind="stable")[columns].reset_index(drop=True)


def facts(before: SimilarityModel, after: SimilarityModel, across: Rows) -> pd.DataFrame:
    """Describe two models beside each other; columns fact, before, after, as text."""
    shared, relabelled = int((across >= 0).sum()), len(changed_labels(before, after, across))

    def of(model: SimilarityModel) -> list[str]:
        return [
            f"{len(model.images):,}",
            f"{len(model.images) - shared:,}",
            f"{len(set(model.images.labels) - {None}):,}",
            f"{relabelled:,}",
            f"{model.backbone.name}{'' if model.backbone.precision == FP32 else f', {model.backbone.precision}'}",
            f"{model.embeddings.shape[1]:,}{'' if model.references.plain is None else ', refined'}",
            f"{model.graph.k} by {_METHODS.get(model.graph.method, model.graph.method)}",
        ]

    names = [
        "images",
        "of these not in the other",
        "labels",
        "images labelled otherwise",
        "backbone",
        "dimensions",
        "neighbours in the graph",
    ]
    return pd.DataFrame({"fact": names, "before": of(before), "after": of(after)})
