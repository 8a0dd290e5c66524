"""Decided labels in tables of images."""

from __future__ import annotations

from pathlib import Path

from imgsim.decisions.store import Decisions, labels_digest, open_decisions
from imgsim.errors import ArgumentTypeError
from imgsim.images.table import ImageTable


def with_decided_labels(images: ImageTable, decisions: Decisions) -> ImageTable:
    """Return a table of images with the labels that people decided.

    Parameters
    ----------
    images : ImageTable
        One that has decided labels already gets the current ones.
    decisions : Decisions
        The store to take them from.

    Returns
    -------
    ImageTable
        Its ``decisions`` is the digest of the labels that were decided about these images, and its ``source_labels``
        are those of ``images``. Where nothing was decided about any of them, ``images`` itself.

    Raises
    ------
    DecisionsError
        The store cannot be read.
    """
    there = set(images.sha256)
    labels = {key: label for key, label in decisions.labels().items() if key in there}
    if not labels and images.decisions is None:
        return images
    return images.with_decided_labels(labels, labels_digest(labels))


def as_decisions(value: Decisions | str | Path | bool | None) -> Decisions | None:
    """Return a store: None or False is none, True the default one, text or a path its address.

    Raises
    ------
    ArgumentTypeError, ArgumentError
        Anything else.
    """
    if value is None or value is False:
        return None
    if value is True:
        return open_decisions()
    if isinstance(value, (str, Path)):
        return open_decisions(value)
    if isinstance(value, Decisions):
        return value
    raise ArgumentTypeError(
        f"decisions must be True, an address or imgsim.decisions.open_decisions(), not {type(value).__name__}."
    )
