"""Marks of people (alike, not alike) and decided labels, as far as they are about a version's pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dashboards.services.decided import known, stamp
from dashboards.services.models.cache import per_model
from dashboards.services.models.loaded_model import Loaded
from imgsim.evaluation.marks import mark_agreement


@dataclass(frozen=True)
class Marks:
    """Decisions about the pictures of a version, and how well its distances agree with the pairs.

    Parameters
    ----------
    labels : int
        Pictures with a decided label; files of the same bytes are one.
    alike, unlike : int
        Marked pairs of pictures.
    agreement : float or None
        See `imgsim.evaluation.marks.mark_agreement`; None where one kind of pairs is missing.
    taught : bool
        Whether the version has learnt from marks of pairs: it then agrees with these by its making.
    """

    labels: int
    alike: int
    unlike: int
    agreement: float | None
    taught: bool


def marks(loaded: Loaded) -> Marks:
    """Count what is decided about the pictures of a version now, and measure how well it agrees."""
    return _marks(loaded, stamp())


@per_model(most=2)
def _marks(loaded: Loaded, seen: str) -> Marks:
    decided, keys = known(loaded), loaded.model.images.sha256
    pairs = {frozenset((keys[left], keys[right])): (left, right, like) for (left, right), like in decided.alike.items()}
    rows = {
        kind: np.array([(left, right) for left, right, like in pairs.values() if like is kind], np.int64).reshape(-1, 2)
        for kind in (True, False)
    }
    labelled = {keys[row] for row, label in enumerate(decided.labels) if label is not None}
    learning = loaded.model.references.learning
    figures = learning.figures if learning is not None and learning.changed else {}
    taught = any(figures.get(kind) for kind in ("alike", "not_alike"))
    agreement = mark_agreement(loaded.model.embeddings, rows[True], rows[False])
    return Marks(len(labelled), len(rows[True]), len(rows[False]), agreement, taught)
