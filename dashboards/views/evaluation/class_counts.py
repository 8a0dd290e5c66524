"""Labels among the evaluated neighbours, counted once for all sessions."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dashboards.services.models.cache import per_model
from dashboards.services.models.loaded_model import Loaded
from dashboards.services.tidy import findings
from imgsim import evaluation
from imgsim.evaluation import Confusion, images_of_class
from imgsim.insights.labels.errors import LIKELY


@per_model()
def class_rows(loaded: Loaded, label: str, other: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find rows of a label with their counts; see `imgsim.evaluation.images_of_class`."""
    return images_of_class(loaded.evaluated_graph, loaded.model.images.labels, label, other or None)


@per_model()
def confusion(loaded: Loaded) -> Confusion | None:
    """Count the labels of the neighbours that were evaluated; None with fewer than two labels."""
    found = loaded.model.evaluation
    if found is None:
        return None
    classes = found.per_class["label"].tolist()
    labels = loaded.model.images.labels
    return evaluation.confusion(loaded.evaluated_graph, labels, found.k, classes, found.pictures)


def labels_of_neighbours(loaded: Loaded, label: str) -> pd.DataFrame:
    """Return the labels that the neighbours of a class have instead of its own: other, share, count; most first."""
    found = confusion(loaded)
    columns = ["other", "share", "count"]
    return pd.DataFrame(columns=columns) if found is None else found.pairs[found.pairs["label"] == label][columns]


@per_model()
def doubtful_labels(loaded: Loaded, label: str) -> pd.DataFrame:
    """Return the images of a label that are likely wrong, or have more neighbours of another; the worst first."""
    table = findings.suspects_table(loaded)
    if not len(table):
        return table
    doubted = (table["votes"] > table["votes_given"]) | (table["probability"] >= LIKELY)
    return table[doubted & (table["label"] == label)]
