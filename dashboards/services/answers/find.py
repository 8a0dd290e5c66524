"""Images found by their path, label or tags; and the names that are offered while someone types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dashboards.services.filters import Filters, mask
from dashboards.services.format import visible
from dashboards.services.models.cache import per_model
from dashboards.services.models.loaded_model import Loaded

LABEL, TAG = "label:", "tag:"
"""Before a text that means a whole label, or a whole tag."""
MOST_OFFERED = 1000

Tagged = Mapping[str, Sequence[int]]
"""Rows of each tag, in the order in which they got it."""


@dataclass(frozen=True)
class Found:
    """Images that were found.

    Parameters
    ----------
    rows : (m,) int64
        In order; those of a whole tag in its order.
    where : dict of str to int
        How many of them hold the text in the ``path``, the ``label`` and a ``tag``; without those that none does.
    """

    rows: NDArray[np.int64]
    where: dict[str, int]


def find_images(loaded: Loaded, text: str, tagged: Tagged) -> Found:
    """Find the one image called ``text`` (key, id or path), else all with it in their path, label or a tag.

    Capitals make no difference. ``label:`` and ``tag:`` before the text ask for a whole label or tag.
    """
    text = text.strip()
    if not text:
        return Found(np.empty(0, np.int64), {})
    named = loaded.row(text)
    if named is not None:
        return Found(np.array([named]), {"path": 1})
    if text.startswith(TAG):
        rows = np.array(tagged.get(text.removeprefix(TAG), ()), np.int64)
        return Found(rows, {"tag": len(rows)} if len(rows) else {})
    if text.startswith(LABEL):
        parts = {"label": _labelled(loaded, {text.removeprefix(LABEL)})}
    else:
        part = text.casefold()
        parts = {
            "path": mask(loaded, Filters(path=text)),
            "label": _labelled(loaded, {label for label in loaded.labels if part in label.casefold()}),
            "tag": _tagged(loaded, [rows for tag, rows in tagged.items() if part in tag.casefold()]),
        }
    rows = np.flatnonzero(np.any(list(parts.values()), axis=0))
    return Found(rows, {name: int(there.sum()) for name, there in parts.items() if there.any()})


def offers(loaded: Loaded, tagged: Tagged) -> dict[str, str]:
    """Return what is offered while someone types, such as ``elephant (label, 64)``, and the text that each stands for.

    The most frequent ones come first.
    """
    found = [(len(rows), visible(tag), "tag", TAG + tag) for tag, rows in tagged.items()]
    found += [(count, visible(label), "label", LABEL + label) for label, count in _label_counts(loaded).items()]
    found.sort(key=lambda item: (-item[0], item[1]))
    return {f"{name} ({kind}, {count:,})": text for count, name, kind, text in found[:MOST_OFFERED]}


@per_model(most=1)
def _label_counts(loaded: Loaded) -> dict[str, int]:
    codes = loaded.label_codes
    counts = np.bincount(codes[codes >= 0], minlength=len(loaded.labels))
    return dict(zip(loaded.labels, counts.tolist(), strict=True))


def _labelled(loaded: Loaded, labels: set[str]) -> NDArray[np.bool_]:
    wanted = [code for code, label in enumerate(loaded.labels) if label in labels]
    return np.isin(loaded.label_codes, wanted)


def _tagged(loaded: Loaded, parts: Sequence[Sequence[int]]) -> NDArray[np.bool_]:
    there = np.zeros(len(loaded), bool)
    for rows in parts:
        there[list(rows)] = True
    return there
