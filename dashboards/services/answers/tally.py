"""Tally of the labels in an answer, and the label that it speaks for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from dashboards.services.models.loaded_model import Loaded


def tally(loaded: Loaded, rows: Sequence[int]) -> dict[str, int]:
    """Count the labels of images, the most frequent first, those of one count as they come; without label none."""
    labels = loaded.model.images.labels
    found = Counter(label for label in (labels[row] for row in rows) if label is not None)
    return dict(found.most_common())


def likely(counts: dict[str, int], results: int) -> str | None:
    """Return the label that more than half of the results carry; None where there is none."""
    label = next(iter(counts), None)
    return label if label is not None and 2 * counts[label] > results else None
