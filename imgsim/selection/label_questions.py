"""Questions about labels: which are probably wrong, and which are missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from imgsim.insights.labels.errors import find_label_errors
from imgsim.selection.facility_location import choose
from imgsim.selection.votes import votes_of

if TYPE_CHECKING:
    from imgsim.io.vectors import Rows
    from imgsim.references.references import References


def judged_labels(references: References, pictures: Rows) -> pd.DataFrame:
    """Ask about each label that neighbours can judge; ``score`` is the probability that it is wrong.

    Returns
    -------
    DataFrame
        ``row``, ``label``, ``suggestion``, ``score``, ``why``.
    """
    table = find_label_errors(references, pictures).tables["images"]
    votes = table[["votes", "suggestion", "votes_given", "label"]].itertuples(index=False)
    why = [
        f"neighbours: {given} {label}" if pd.isna(other) else f"neighbours: {most} {other}, {given} {label}"
        for most, other, given, label in votes
    ]
    return table[["row", "label", "suggestion"]].assign(score=table["probability"].to_numpy(np.float64), why=why)


def missing_labels(references: References, pictures: Rows, most: int) -> pd.DataFrame:
    """Ask for the labels of images that have none; ``score`` is the share of votes against the suggestion.

    Of the images whose neighbours have no label either, the ``most`` that stand best for all of them are asked for
    (`imgsim.selection.facility_location`).

    Returns
    -------
    DataFrame
        As `judged_labels`.
    """
    labels = references.images.labels
    rows = np.array([row for row, label in enumerate(labels) if label is None and pictures[row] == row], np.int64)
    votes = votes_of(references, labels, pictures)
    unknown = np.array([votes.first[row] is None for row in rows], bool)
    if unknown.any():
        matrix = np.ascontiguousarray(references.embeddings[rows[unknown]])
        rows = np.concatenate([rows[unknown][choose(matrix, min(most, len(matrix)))], rows[~unknown]])
    columns = {
        "row": rows,
        "label": [None] * len(rows),
        "suggestion": votes.first[rows],
        "score": 1 - votes.first_share[rows],
        "why": [votes.words(row) for row in rows],
    }
    return pd.DataFrame(columns)
