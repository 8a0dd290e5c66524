"""What an app calls the reference images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from imgsim.errors import ArgumentError, CoreMLError

if TYPE_CHECKING:
    from imgsim.model import SimilarityModel

MAX_CLASSES = 100_000


def reference_ids(model: SimilarityModel, ids: str | Sequence[Any] | None, outputs: str) -> list[str]:
    """(n,) unique strings: a column of the images, the values given, or the model's own ids.

    Raises
    ------
    ArgumentError
        Another number of them, one that repeats, no such column.
    CoreMLError
        More of them than a classifier can have.
    """
    values = model.ids if ids is None else model.images.column(ids) if isinstance(ids, str) else ids
    names = [str(value) for value in np.asarray(values).tolist()]
    if len(names) != len(model):
        raise ArgumentError(f"{len(names)} ids for {len(model)} references.")
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})[:3] if len(names) < MAX_CLASSES else []
        raise ArgumentError(f"ids must be unique, and {twice or 'some'} repeat: give ids='path', or leave ids out.")
    if outputs == "classifier" and len(names) > MAX_CLASSES:
        raise CoreMLError(
            f"outputs='classifier' makes one class of each of {len(names):,} references, and more than {MAX_CLASSES:,} "
            "are too many for an app: use outputs='topk'."
        )
    return names


def reference_labels(model: SimilarityModel, labels: Sequence[Any] | None) -> list[str] | None:
    """(n,) strings, empty where there is no label; None when there is none at all. Default: the images' labels."""
    values = model.images.labels if labels is None else list(labels)
    if len(values) != len(model):
        raise ArgumentError(f"{len(values)} labels for {len(model)} references.")
    return None if all(value is None for value in values) else ["" if value is None else str(value) for value in values]
