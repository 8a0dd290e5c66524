"""Label errors: labels that are probably wrong, judged by the labels of the neighbours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from imgsim import arguments
from imgsim.evaluation import BACKGROUND, label_codes
from imgsim.insights.duplicates.pictures import find_pictures
from imgsim.insights.labels.calibration import error_probabilities, share_interval
from imgsim.insights.labels.items import Items, items_of
from imgsim.insights.labels.planted import planted_labels
from imgsim.insights.labels.voters import voting_graph
from imgsim.insights.labels.votes import NeighborVotes, vote_weights
from imgsim.insights.tables import about, of_images
from imgsim.references.insight import Insight, frame

if TYPE_CHECKING:
    from imgsim.references.references import References

Rows = NDArray[np.int64]

LIKELY = 0.5
"""Labels from this probability of being wrong are shown as likely errors."""

TABLES: dict[str, pa.Schema] = {
    "images": of_images(
        pa.field("suggestion", pa.string()),  # the label that fits best instead; null when no neighbour has another
        pa.field("probability", pa.float32(), nullable=False),  # that the label is wrong
        pa.field("votes", pa.int32(), nullable=False),  # neighbours with the suggested label
        pa.field("votes_given", pa.int32(), nullable=False),  # neighbours with the image's own label
    ),
    "classes": pa.schema(
        [
            pa.field("label", pa.string(), nullable=False),
            pa.field("images", pa.int32(), nullable=False),
            pa.field("expected_errors", pa.float32(), nullable=False),  # sum of the probabilities
            pa.field("flagged", pa.int32(), nullable=False),  # more likely wrong than right
        ]
    ),
}

FLAGGED = 0.5
WIDEST = 40.0  # log odds beyond which they are cut


def find_label_errors(
    references: References,
    pictures: Rows | None = None,
    background: Sequence[str] = BACKGROUND,
    seed: int = 0,
) -> Insight:
    """Estimate for every labelled image the probability that its label is wrong, and suggest another.

    The k nearest other pictures vote (`imgsim.insights.labels.votes`), each once, whatever the number of its copies;
    copies of the image itself do not vote. Where the metric was learnt from labels, the nearest by the metric
    before vote (`imgsim.insights.labels.voters`). The votes become a probability by comparison with
    planted errors: each image is judged again as if it had another label (`imgsim.insights.labels.planted`,
    `imgsim.insights.labels.calibration`). Of a picture with several labels one is right: the votes say which.

    Mistakes between similar classes are found less often, and the probability underestimates them: neighbours alone
    cannot tell them from classes that look alike. So ``expected_errors_high`` counts every outvoted label.

    Parameters
    ----------
    references : References
    pictures : (n,) int64, optional
        For each row the first row of the same picture (`imgsim.insights.duplicates.pictures`); found if not given.
    background : sequence of str
        Labels that are no class (as in `imgsim.evaluation.evaluate`): images that have one vote, but are not
        judged, and the label is never suggested.
    seed : int
        Seed of the planted errors.

    Returns
    -------
    Insight
        ``label_errors``: table ``images``, one row per judged image, the most suspicious first; table
        ``classes``, one row per judged label by expected errors. Metrics: ``judged``, ``error_rate``
        (estimated share of wrong labels), ``expected_errors``, ``expected_errors_low`` and ``expected_errors_high``
        (lower end of a 95 % interval; its upper end or ``outvoted``, whichever is more), ``outvoted`` (another label
        has more votes), ``flagged`` (probability above 0.5). Images
        without a label are not judged, nor labels of a single picture. With fewer than two labels to choose from
        no image is judged.
    """
    background, seed = arguments.labels(background, "background"), arguments.seed(seed)
    pictures = find_pictures(references) if pictures is None else pictures
    names, codes = _codes(references.images.labels)
    items = items_of(references.embeddings, voting_graph(references), codes, pictures, len(names))
    sizes = np.bincount(items.codes, minlength=len(names) + 1)[:-1]
    judged = (sizes > 1) & ~np.isin(names, background)
    chosen = np.flatnonzero(np.append(judged, False)[items.codes])
    params = {"k": references.graph.k, "background": background, "seed": seed}
    if judged.sum() < 2 or items.graph.k == 0:
        return _insight(references, _nothing(), params)
    votes = NeighborVotes(items.codes, judged, items.voted, *vote_weights(references.embeddings, items.graph))
    found = votes.evidence(planted_labels(items.codes, items.voted, judged, len(chosen), seed))
    odds = _bounded(found.odds[chosen])
    probabilities, rate = error_probabilities(odds, _bounded(found.planted[:, chosen].reshape(-1)))
    interval = share_interval(probabilities, rate)
    probabilities = one_label_right(probabilities, rate, items.pictures[chosen])
    judgement = _of_rows(items, chosen, probabilities, odds, found.best[chosen], names)
    return _insight(references, judgement, params, rate, interval)


def one_label_right(probabilities: NDArray[np.float64], rate: float, pictures: Rows) -> NDArray[np.float64]:
    """Adjust the probabilities of a picture's labels where it has several: one of them is right.

    Parameters
    ----------
    probabilities : (i,) float64
        That the label of each item is wrong, by the neighbours.
    rate : float
        Share of errors that they assume.
    pictures : (i,) int64
        Picture of each item.
    """
    _, picture, labels = np.unique(pictures, return_inverse=True, return_counts=True)
    picture = picture.reshape(-1)
    several = labels[picture] > 1
    inside = np.clip(probabilities, 1e-12, 1 - 1e-12)
    right = np.where(several, (1 - inside) / inside * rate / (1 - rate), 0.0)  # density ratio of right to wrong
    shares = right / np.maximum(np.bincount(picture, right)[picture], 1e-300)
    return np.where(several, 1 - shares, probabilities)


@dataclass(frozen=True)
class _Judgement:
    """Judged rows, the most suspicious first: probability, suggestion (None: no other label), and votes."""

    rows: Rows
    probabilities: NDArray[np.float64]
    suggestions: NDArray[np.object_]
    votes: Rows
    votes_given: Rows


def _nothing() -> _Judgement:
    rows = np.empty(0, np.int64)
    return _Judgement(rows, np.empty(0), np.empty(0, object), rows, rows)


def _of_rows(
    items: Items,
    chosen: Rows,
    probabilities: NDArray[np.float64],
    odds: NDArray[np.float64],
    best: Rows,
    names: NDArray[np.object_],
) -> _Judgement:
    """Return the judgement of the rows of the ``chosen`` items."""
    place = np.full(len(items.rows), -1)
    place[chosen] = np.arange(len(chosen))
    rows = np.flatnonzero(place[items.of_row] >= 0)
    at = place[items.of_row[rows]]
    order = np.lexsort((-odds[at], -probabilities[at]))
    rows, at = rows[order], at[order]
    voted = items.voted[chosen[at]]
    suggestions = np.array([*names, None], object)[best[at]]  # the last for -1, no other label
    votes = (voted == best[at][:, None]).sum(axis=1)
    given = (voted == items.codes[chosen[at]][:, None]).sum(axis=1)
    return _Judgement(rows, probabilities[at], suggestions, votes, given)


def _codes(labels: Sequence[str | None]) -> tuple[NDArray[np.object_], Rows]:
    """Return the sorted labels (c,), and the code of each image's label (n,) with c for none."""
    names, codes = label_codes(labels)
    return names, np.where(codes < 0, len(names), codes)


def _bounded(odds: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.clip(odds, -WIDEST, WIDEST)


def _insight(
    references: References,
    found: _Judgement,
    params: dict[str, object],
    rate: float = 0.0,
    interval: tuple[float, float] = (0.0, 0.0),
) -> Insight:
    columns = {
        **about(references.images, found.rows),
        "suggestion": found.suggestions,
        "probability": found.probabilities,
        "votes": found.votes,
        "votes_given": found.votes_given,
    }
    images = frame(TABLES["images"], columns)
    expected, judged = float(found.probabilities.sum()), len(found.rows)
    outvoted = int((found.votes > found.votes_given).sum())
    metrics = {
        "judged": judged,
        "error_rate": rate,
        "expected_errors": expected,
        "expected_errors_low": math.floor(min(expected, interval[0] * judged)),
        "expected_errors_high": math.ceil(max(expected, interval[1] * judged, outvoted)),
        "outvoted": outvoted,
        "flagged": int((found.probabilities > FLAGGED).sum()),
    }
    return Insight("label_errors", TABLES, {"images": images, "classes": _class_table(images)}, metrics, params)


def _class_table(images: pd.DataFrame) -> pd.DataFrame:
    flagged = images.assign(flagged=images["probability"] > FLAGGED)
    grouped = flagged.groupby("label", sort=True)
    table = pd.DataFrame(
        {
            "images": grouped.size(),
            "expected_errors": grouped["probability"].sum(),
            "flagged": grouped["flagged"].sum(),
        }
    ).reset_index()
    return frame(TABLES["classes"], table.sort_values("expected_errors", ascending=False, kind="stable"))


def outvoted(insight: Insight) -> pd.DataFrame:
    """Return the labels against which another one has more votes, the most suspicious first.

    They are worth a look also where all probabilities are low: errors may not be at random.
    """
    table = insight.tables["images"]
    return table[table["votes"] > table["votes_given"]]


def highlights(insight: Insight) -> pd.DataFrame:
    """Return the labels that are more likely wrong than right, the likeliest first."""
    table = insight.tables["images"]
    return table[table["probability"] >= LIKELY].sort_values("probability", ascending=False, kind="stable")


def words(insight: Insight) -> str:
    """Say in a sentence how many labels are wrong, and how sure that is."""
    metrics = insight.metrics
    expected, judged = metrics.get("expected_errors", 0), metrics.get("judged", 0)
    low, high = metrics.get("expected_errors_low"), metrics.get("expected_errors_high")
    if low is None or high is None:  # found by version 0.1
        return f"About {expected:,.0f} label{'' if round(expected) == 1 else 's'} in all may be wrong at random."
    return (
        f"{_range(low, high)} of {judged:,.0f} labels are wrong: about {expected:,.0f} if mistakes are at random, more "
        "if similar classes were taken for each other."
    )


def _range(low: float, high: float) -> str:
    first, last = f"{low:,.0f}", f"{high:,.0f}"
    return f"About {first}" if first == last else f"Between {first} and {last}"


def tiles(table: pd.DataFrame) -> list[tuple[int, str]]:
    """Return rows with probability, label and suggestion."""
    return [(r.row, f"{r.probability:.0%} {r.label}, not {r.suggestion}") for r in table.itertuples()]
