"""Decisions of people about reference images, by row."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from imgsim.decisions import as_decisions, with_decided_labels

if TYPE_CHECKING:
    from pathlib import Path

    from imgsim.decisions import Decisions
    from imgsim.references.references import References


@dataclass(frozen=True)
class Decided:
    """Reference images with the labels that people decided.

    Parameters
    ----------
    references : References
        With decided labels in place of their own.
    labels : (n,) bool
        Images whose label is decided, or that are marked as reviewed.
    pairs : frozenset of (str, str)
        sha256 of the pairs that are decided, in alphabetical order.
    """

    references: References
    labels: NDArray[np.bool_]
    pairs: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, references: References, decisions: Decisions | str | Path | bool | None) -> Decided:
        """Look decisions up by the content of the images.

        Parameters
        ----------
        references : References
        decisions : Decisions, str, Path or bool, optional
            A store, its address, True for the default one; None is none.
        """
        store = as_decisions(decisions)
        if store is None:
            return cls(references, np.zeros(len(references), bool), frozenset())
        done, images = {*store.labels(), *store.reviewed()}, copy(references)
        images.images = with_decided_labels(references.images, store)
        images.insights = {}
        decided = np.array([sha256 in done for sha256 in references.images.sha256], bool)
        table = store.pairs()
        return cls(images, decided, frozenset(zip(table["left"], table["right"], strict=True)))

    def has_pairs(self, pairs: pd.DataFrame) -> NDArray[np.bool_]:
        """Return which pairs of rows (``row``, ``other``) are decided, (m,): by a person, or by both labels."""
        left, right = (pairs[name].to_numpy(np.int64) for name in ("row", "other"))
        hashes = self.references.images.sha256
        keys = zip(hashes[left], hashes[right], strict=True)
        asked = np.array([tuple(sorted(key)) in self.pairs for key in keys], bool)
        return np.asarray(asked | (self.labels[left] & self.labels[right]))
