"""Ids and labels of the reference images in an app."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from imgsim.errors import ArgumentError, DeploymentError

if TYPE_CHECKING:
    from imgsim.references.references import References

MAX_CLASSES = 100_000


def refuse_contradiction(
    include_ids: bool, ids: str | Sequence[Any] | None, labels: str | Sequence[Any] | None
) -> None:
    """Refuse ids or labels together with the wish to leave them out.

    Raises
    ------
    ArgumentError
        Says which to leave out.
    """
    if not include_ids and not (ids is None and labels is None):
        raise ArgumentError(
            "include_ids=False leaves ids and labels out: leave out ids= and labels= too, or include_ids."
        )


def app_names(
    references: References,
    ids: str | Sequence[Any] | None,
    labels: str | Sequence[Any] | None,
    include_ids: bool,
    *,
    classes: bool = False,
) -> tuple[list[str] | None, list[str] | None]:
    """Return ids and labels of the references in an app, or None where they are left out.

    ``classes`` says that ids are classes, which are never left out; see `reference_ids` and `reference_labels`.
    """
    names = reference_ids(references, ids, classes) if include_ids or classes else None
    return names, reference_labels(references, labels) if include_ids else None


def reference_ids(references: References, ids: str | Sequence[Any] | None, classes: bool = False) -> list[str]:
    """Return (n,) unique strings: a column of the images, the values given, or the model's own ids.

    Raises
    ------
    ArgumentError
        Wrong number of ids, a repeated id, or no such column.
    DeploymentError
        More ids than a classifier may have classes.
    """
    values = references.ids if ids is None else _given(references, ids, "ids")
    names = [str(value) for value in np.asarray(values).tolist()]
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise ArgumentError(f"ids must be unique, and {twice[:3]} repeat: give ids='path', or leave ids out.")
    if classes and len(names) > MAX_CLASSES:
        raise DeploymentError(
            f"outputs='classifier' makes one class of each of {len(names):,} references, and more than {MAX_CLASSES:,} "
            "are too many for an app: use outputs='topk'."
        )
    return names


def reference_labels(references: References, labels: str | Sequence[Any] | None) -> list[str] | None:
    """Return (n,) strings, empty where there is no label; None if there is none at all.

    They are a column of the images, the values given, or the images' labels.

    Raises
    ------
    ArgumentError
        Wrong number of labels, or no such column.
    """
    values = references.images.labels if labels is None else _given(references, labels, "labels")
    return None if all(value is None for value in values) else ["" if value is None else str(value) for value in values]


def _given(references: References, values: str | Sequence[Any], what: str) -> Sequence[Any]:
    """Return a column of the images by name, or the values given, one per image."""
    found: Sequence[Any] = references.images.column(values) if isinstance(values, str) else values
    if len(found) != len(references):
        raise ArgumentError(f"{len(found)} {what} for {len(references)} references: give one for each, in their order.")
    return found
