"""Two versions of a model side by side: the same question to both, and what differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dashboards.services.filters import Filters, mask
from dashboards.services.models.loaded_model import Loaded
from dashboards.services.models.per_model_cache import per_model
from imgsim.evaluation import mean_interval, metric_titles

SAMPLE = 200
Rows = NDArray[np.int64]
Kind = Literal["stays", "up", "down", "new", "gone", "absent"]


@per_model()
def counterparts(loaded: Loaded, other: Loaded) -> Rows:
    """(n,) row of the same image in the other version, -1 where it has none; read-only.

    An image is its content; the first of several equal files (by path) is the first of them there.
    """
    mine, theirs = _identities(loaded), _identities(other)
    across: Rows = theirs.get_indexer(mine).astype(np.int64)
    across.setflags(write=False)
    return across


def _identities(loaded: Loaded) -> pd.MultiIndex:
    images = loaded.model.images
    table = pd.DataFrame({"content": images.sha256, "path": images.paths})
    table["content"] = table["content"].where(table["content"] != "", "path " + table["path"])
    number = table.sort_values(["content", "path"], kind="stable").groupby("content").cumcount()
    return pd.MultiIndex.from_arrays([table["content"], number.sort_index()])


def shared_rows(loaded: Loaded, other: Loaded) -> Rows:
    """Rows of images that both versions have."""
    return np.flatnonzero(counterparts(loaded, other) >= 0)


def random_row(loaded: Loaded, other: Loaded, filters: Filters) -> int | None:
    """Some image that both versions have and the filters leave; None where there is none."""
    rows = shared_rows(loaded, other)
    rows = rows[mask(loaded, filters)[rows]]
    return int(np.random.default_rng().choice(rows)) if len(rows) else None


@dataclass(frozen=True)
class Move:
    """What became of an image in a list: ``rank`` here, ``there`` in the other list (None: not listed there)."""

    row: int
    rank: int
    there: int | None
    kind: Kind
    words: str


def moves(mine: Sequence[int], theirs: Sequence[int], across: Rows, other: str, forward: bool = True) -> list[Move]:
    """Marks for every image of one list.

    Parameters
    ----------
    mine : sequence of int
        Rows in this version, nearest first.
    theirs : sequence of int
        Rows in the other version, nearest first.
    across : (n,) int64
        `counterparts` of this version in the other one.
    other : str
        What the other version is called.
    forward : bool
        Whether this list is the one before: its images move to the other list's rank, and what is not there is gone;
        else they come from it, and what is not there is new.
    """
    ranks = {row: rank for rank, row in enumerate(theirs, 1)}
    found = []
    for rank, row in enumerate(mine, 1):
        there = ranks.get(int(across[row])) if across[row] >= 0 else None
        found.append(Move(row, rank, there, *_mark(rank, there, across[row] >= 0, other, forward)))
    return found


def _mark(rank: int, there: int | None, known: bool, other: str, forward: bool) -> tuple[Kind, str]:
    if not known:
        return "absent", f"not in {other}"
    if there is None:
        return ("gone", f"{rank} → gone") if forward else ("new", f"new at {rank}")
    if there == rank:
        return "stays", f"stays {rank}"
    before, after = (rank, there) if forward else (there, rank)
    return ("up" if after < before else "down"), f"{before} → {after} {'▲' if after < before else '▼'}"


@dataclass(frozen=True)
class Agreement:
    """How much two lists have in common: ``share`` of the longer list, ``jaccard`` of everything in either."""

    overlap: int
    share: float
    jaccard: float
    moved: int


def agreement(before: Sequence[Move], after: Sequence[Move]) -> Agreement:
    """Of the two lists' marks."""
    overlap = sum(move.there is not None for move in before)
    longest, either = max(len(before), len(after)), len(before) + len(after) - overlap
    moved = sum(move.kind in ("up", "down") for move in before)
    return Agreement(overlap, overlap / longest if longest else 1.0, overlap / either if either else 1.0, moved)


@dataclass(frozen=True)
class Summary:
    """Mean overlap of the neighbours that two graphs list for the same images, with its 95 % interval.

    ``same`` images list the very same neighbours in the very same order; ``changed`` are rows, those with the fewest
    neighbours in common first; ``spread`` has the columns common and images.
    """

    images: int
    shared: int
    k: int
    mean: float
    low: float
    high: float
    same: int
    spread: pd.DataFrame
    changed: Rows


@per_model()
def summary(loaded: Loaded, other: Loaded, k: int, sample: int = SAMPLE, seed: int = 0) -> Summary | None:
    """Overlap@k over a seeded sample of shared images; None when the versions share none or list no neighbours."""
    across, rows = counterparts(loaded, other), shared_rows(loaded, other)
    k = min(k, loaded.model.graph.k, other.model.graph.k)
    if not len(rows) or not k:
        return None
    drawn = np.sort(np.random.default_rng(seed).choice(rows, min(sample, len(rows)), replace=False))
    mine = across[loaded.model.graph.neighbors[drawn, :k]]
    theirs = other.model.graph.neighbors[across[drawn], :k]
    common = ((mine[:, :, None] == theirs[:, None, :]) & (mine[:, :, None] >= 0)).any(axis=2).sum(axis=1)
    overlap = common / k
    mean, low, high = map(float, mean_interval(overlap))
    spread = pd.DataFrame({"common": np.arange(k + 1), "images": np.bincount(common, minlength=k + 1)})
    same = int((mine == theirs).all(axis=1).sum())
    changed = drawn[np.argsort(common, kind="stable")]
    return Summary(len(drawn), len(rows), k, mean, low, high, same, spread, changed)


def metric_differences(loaded: Loaded, other: Loaded, before: str, after: str) -> pd.DataFrame:
    """Columns metric, before, after, difference, verdict; NaN where a version lacks a figure.

    ``before`` and ``after`` are the versions' numbers. A difference within the 95 % interval of either is none.
    """
    pair = (loaded.model.evaluation, other.model.evaluation)
    mine, theirs = ({} if found is None else found.metrics for found in pair)
    names: dict[str, str] = {}
    for found in pair:
        names |= {} if found is None else {name: title for name, (title, _) in metric_titles(found.k).items()}
    rows = []
    for name, title in names.items():
        if name in mine or name in theirs:
            a, b = mine.get(name, np.nan), theirs.get(name, np.nan)
            rows.append((title, a, b, b - a, _verdict(name, mine, theirs, before, after)))
    return pd.DataFrame(rows, columns=["metric", "before", "after", "difference", "verdict"])


def _verdict(name: str, mine: dict[str, float], theirs: dict[str, float], before: str, after: str) -> str:
    if name not in mine or name not in theirs:
        return f"only version {before if name in mine else after} has it"
    a, b = mine[name], theirs[name]
    if a == b:
        return "equal"
    a_low, a_high = mine.get(f"{name}_low", a), mine.get(f"{name}_high", a)
    b_low, b_high = theirs.get(f"{name}_low", b), theirs.get(f"{name}_high", b)
    if f"{name}_low" in mine and f"{name}_low" in theirs and (a_low <= b <= a_high or b_low <= a <= b_high):
        return "no clear difference: within the 95 % interval"
    return f"version {after if b > a else before} is better"


def facts(loaded: Loaded, other: Loaded) -> pd.DataFrame:
    """Columns fact, before, after: what the versions are, as text."""
    shared = len(shared_rows(loaded, other))

    def of(one: Loaded) -> list[str]:
        model = one.model
        missing = len(one) - shared
        return [
            f"{len(one):,}",
            f"{missing:,}",
            f"{len(one.labels):,}",
            model.backbone.name,
            f"{model.embeddings.shape[1]:,}",
            f"{model.graph.k} by {'exact search' if model.graph.method == 'exact' else 'NN-Descent'}",
        ]

    names = ["images", "of these not in the other", "labels", "backbone", "dimensions", "neighbours in the graph"]
    return pd.DataFrame({"fact": names, "before": of(loaded), "after": of(other)})
