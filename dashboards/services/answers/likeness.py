"""Distances in people's words."""

from __future__ import annotations

import math

from dashboards.services.models.cache import per_model
from dashboards.services.models.loaded_model import Loaded
from imgsim.evaluation.likeness import Likeness, measure_likeness


@per_model(most=1)
def likeness(loaded: Loaded) -> Likeness:
    """Measure the distances of a version.

    Labels say nothing about a metric that was learnt from them: it was made to bring them together.
    """
    model, evaluation = loaded.model, loaded.model.evaluation
    labels = model.images.labels if model.references.learning is None else None
    return measure_likeness(model.embeddings, model.graph, labels, None if evaluation is None else evaluation.pictures)


def distance_words(loaded: Loaded, distance: float) -> str:
    """Say what a distance means: ``closer than 99.8 % of pairs; at this distance 61 % share the label``.

    Empty where the version holds a single image.
    """
    found = likeness(loaded)
    further, same = found.share_further(distance), found.share_same_label(distance)
    if further is None:
        return ""
    words = f"closer than {_percent(further)} of pairs"
    return words if same is None else f"{words}; at this distance {round(same * 100)} % share the label"


def legend(loaded: Loaded, first: float, last: float) -> str:
    """Say in a line what the distances of an answer mean, from its first image to its last."""
    nearest, furthest = distance_words(loaded, first), distance_words(loaded, last)
    if not nearest:
        return ""
    if nearest == furthest:
        return f"Distances {first:.3f} to {last:.3f}: {nearest}."
    return f"Distance {first:.3f} of the first: {nearest}. {last:.3f} of the last: {furthest}."


def _percent(share: float) -> str:
    """Write a share in percent, rounded down; a sample cannot show that all are further apart."""
    tenths = min(math.floor(share * 1000 + 1e-9), 999)
    return f"{tenths / 10:.1f} %" if tenths >= 990 else f"{tenths // 10} %"
