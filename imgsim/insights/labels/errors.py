"""Labels that are probably wrong, by the labels around them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from imgsim.evaluation import BACKGROUND
from imgsim.insights.labels.calibration import error_probabilities
from imgsim.insights.labels.votes import Neighborhoods, vote_weights
from imgsim.insights.schemas import LABEL_ERRORS, about, frame
from imgsim.references.insight import Insight

if TYPE_CHECKING:
    from imgsim.model import SimilarityModel

FLAGGED = 0.5
PLANTED = 2000
WIDEST = 40.0


def find_label_errors(model: SimilarityModel, background: Sequence[str] = BACKGROUND, seed: int = 0) -> Insight:
    """Estimate for every labelled image the probability that its label is wrong, and suggest another.

    The k nearest neighbours vote (`imgsim.insights.labels.votes`). The votes become a probability by comparison
    with errors planted on purpose: each image is judged once more as if it bore a label drawn at random
    (`imgsim.insights.labels.calibration`). So the probability is right for labels that are wrong at random;
    mistakes between classes that look alike are found less surely, and are more than it says.

    Parameters
    ----------
    model : SimilarityModel
    background : sequence of str
        Labels that are no class (as in `imgsim.evaluation.evaluate`): such images vote, for nothing that
        could be suggested, and are not judged.
    seed : int
        Of the planted errors.

    Returns
    -------
    Insight
        ``label_errors``: table ``images``, one row per judged image, the most suspicious first; table
        ``classes``, one row per judged label by expected errors. Metrics: ``judged``, ``error_rate``
        (estimated share of wrong labels), ``expected_errors``, ``flagged`` (probability above .5). Images
        without a label, and labels on a single image, are not judged; with fewer than two labels to
        choose from nothing is.
    """
    names, codes, judged = _classes(model.images.labels, background)
    rows = np.flatnonzero(np.append(judged, False)[codes])
    if judged.sum() < 2:
        rows = rows[:0]
    params = {"k": model.graph.k, "background": list(background), "seed": seed}
    if not len(rows):
        return _insight(model, rows, np.empty(0), np.empty(0, object), 0.0, params)
    hoods = Neighborhoods(codes, judged, model.graph, *vote_weights(model.embeddings, model.graph))
    found = hoods.evidence(_planted(codes, judged, rows, seed))
    odds = found.odds[rows]
    probabilities, rate = error_probabilities(_bounded(odds), _bounded(found.planted[:, rows].reshape(-1)))
    order = np.argsort(-odds, kind="stable")
    suggestions = names[found.best[rows]]
    suggestions[found.best[rows] < 0] = None
    return _insight(model, rows[order], probabilities[order], suggestions[order], rate, params)


def _classes(
    labels: Sequence[str | None], background: Sequence[str]
) -> tuple[NDArray[np.object_], NDArray[np.int64], NDArray[np.bool_]]:
    """Names (c,) in order, code of each image (n,) with c for none, and which names are judged (c,)."""
    names = np.array(sorted({label for label in labels if label is not None}), object)
    code_of: dict[str | None, int] = {name: code for code, name in enumerate(names)}
    codes = np.array([code_of.get(label, len(names)) for label in labels], np.int64)
    sizes = np.bincount(codes, minlength=len(names) + 1)[:-1]
    return names, codes, (sizes > 1) & ~np.isin(names, background)


def _planted(
    codes: NDArray[np.int64], judged: NDArray[np.bool_], rows: NDArray[np.int64], seed: int
) -> NDArray[np.int64]:
    """(p, n) another judged label for each image, drawn at random: at least 2,000 in all where there are so many."""
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
    model: SimilarityModel,
    rows: NDArray[np.int64],
    probabilities: NDArray[np.float64],
    suggestions: NDArray[np.object_],
    rate: float,
    params: dict[str, object],
) -> Insight:
    names = np.array(model.images.labels, object)
    around = names[model.graph.neighbors[rows]]
    columns = {
        **about(model.images, rows),
        "suggestion": suggestions,
        "probability": probabilities,
        "votes": (around == suggestions[:, None]).sum(axis=1) * (suggestions != None),  # noqa: E711
        "votes_given": (around == names[rows][:, None]).sum(axis=1),
    }
    images = frame(LABEL_ERRORS["images"], columns)
    metrics = {
        "judged": len(rows),
        "error_rate": rate,
        "expected_errors": float(probabilities.sum()),
        "flagged": int((probabilities > FLAGGED).sum()),
    }
    return Insight("label_errors", {"images": images, "classes": _class_table(images)}, metrics, params)


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
    return frame(LABEL_ERRORS["classes"], table.sort_values("expected_errors", ascending=False, kind="stable"))
