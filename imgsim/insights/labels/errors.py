"""Label errors: labels that are probably wrong, judged by the labels of the neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from imgsim.evaluation import BACKGROUND
from imgsim.insights.labels.calibration import error_probabilities
from imgsim.insights.labels.votes import NeighborVotes, vote_weights
from imgsim.insights.tables import about, of_images
from imgsim.references.insight import Insight, frame

if TYPE_CHECKING:
    from imgsim.references.references import References

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
PLANTED = 2000  # planted errors to calibrate on, at least
WIDEST = 40.0  # log odds beyond which they are cut


def find_label_errors(references: References, background: Sequence[str] = BACKGROUND, seed: int = 0) -> Insight:
    """Estimate for every labelled image the probability that its label is wrong, and suggest another.

    The k nearest neighbours vote (`imgsim.insights.labels.votes`). The votes become a probability by comparison
    with planted errors: each image is judged again as if it had another label, drawn at random
    (`imgsim.insights.labels.calibration`). So the probability is calibrated for labels that are wrong at random.
    Mistakes between similar classes are found less often, and the probability underestimates them.

    Parameters
    ----------
    references : References
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
        (estimated share of wrong labels), ``expected_errors``, ``flagged`` (probability above 0.5). Images
        without a label are not judged, nor labels of a single image. With fewer than two labels to choose from
        no image is judged.
    """
    names, codes, judged = _classes(references.images.labels, background)
    rows = np.flatnonzero(np.append(judged, False)[codes])
    if judged.sum() < 2:
        rows = rows[:0]
    params = {"k": references.graph.k, "background": list(background), "seed": seed}
    if not len(rows):
        return _insight(references, rows, np.empty(0), np.empty(0, object), 0.0, params)
    votes = NeighborVotes(codes, judged, references.graph, *vote_weights(references.embeddings, references.graph))
    found = votes.evidence(_planted(codes, judged, rows, seed))
    odds = found.odds[rows]
    probabilities, rate = error_probabilities(_bounded(odds), _bounded(found.planted[:, rows].reshape(-1)))
    order = np.argsort(-odds, kind="stable")
    suggestions = names[found.best[rows]]
    suggestions[found.best[rows] < 0] = None
    return _insight(references, rows[order], probabilities[order], suggestions[order], rate, params)


def _classes(
    labels: Sequence[str | None], background: Sequence[str]
) -> tuple[NDArray[np.object_], NDArray[np.int64], NDArray[np.bool_]]:
    """Return the sorted labels (c,), the code of each image (n,) with c for none, and the judged labels (c,) bool."""
    names = np.array(sorted({label for label in labels if label is not None}), object)
    code_of: dict[str | None, int] = {name: code for code, name in enumerate(names)}
    codes = np.array([code_of.get(label, len(names)) for label in labels], np.int64)
    sizes = np.bincount(codes, minlength=len(names) + 1)[:-1]
    return names, codes, (sizes > 1) & ~np.isin(names, background)


def _planted(
    codes: NDArray[np.int64], judged: NDArray[np.bool_], rows: NDArray[np.int64], seed: int
) -> NDArray[np.int64]:
    """Draw p wrong labels for each image, (p, n), among the judged ones.

    The judged images get at least 2,000 in all, where there are enough labels.
    """
    classes = np.flatnonzero(judged)
    times = min(-(-PLANTED // len(rows)), len(classes) - 1)
    generator = np.random.default_rng(seed)
    position = np.searchsorted(classes, np.minimum(codes, classes[-1]))
    shift = generator.integers(1, len(classes), (times, len(codes)))
    planted: NDArray[np.int64] = classes[(position + shift) % len(classes)]
    return planted


def _bounded(odds: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.clip(odds, -WIDEST, WIDEST)


def _insight(
    references: References,
    rows: NDArray[np.int64],
    probabilities: NDArray[np.float64],
    suggestions: NDArray[np.object_],
    rate: float,
    params: dict[str, object],
) -> Insight:
    names = np.array(references.images.labels, object)
    around = names[references.graph.neighbors[rows]]
    columns = {
        **about(references.images, rows),
        "suggestion": suggestions,
        "probability": probabilities,
        "votes": (around == suggestions[:, None]).sum(axis=1) * (suggestions != None),  # noqa: E711
        "votes_given": (around == names[rows][:, None]).sum(axis=1),
    }
    images = frame(TABLES["images"], columns)
    metrics = {
        "judged": len(rows),
        "error_rate": rate,
        "expected_errors": float(probabilities.sum()),
        "flagged": int((probabilities > FLAGGED).sum()),
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


def highlights(insight: Insight) -> pd.DataFrame:
    """Return the labels that are more likely wrong than right, the likeliest first."""
    table = insight.tables["images"]
    return table[table["probability"] >= LIKELY].sort_values("probability", ascending=False, kind="stable")


def tiles(table: pd.DataFrame) -> list[tuple[int, str]]:
    """Return rows with probability, label and suggestion."""
    return [(r.row, f"{r.probability:.0%} {r.label}, not {r.suggestion}") for r in table.itertuples()]
