"""Record of how a projection was learnt from labels, with what an honest evaluation of it needs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from imgsim.errors import ModelFormatError
from imgsim.io import arrow
from imgsim.io.atomic import atomic_path
from imgsim.io.untrusted import read_json

FACTS, ROWS = "learning.json", "learning.parquet"
LEARNING_PARTS = (FACTS, ROWS)
Neighbors = NDArray[np.int32]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class HeldOut:
    """Nearest other pictures of n images, by metrics that did not see the label of the image that asks.

    Parameters
    ----------
    learnt : (n, k) int32
        Rows, nearest first: of an image with a label, by the fit without its fold. Rows of -1 for images that were
        not evaluated.
    label_free : (n, k) int32
        The same by the metric without labels.
    """

    learnt: Neighbors
    label_free: Neighbors


@dataclass(frozen=True)
class Learning:
    """Record of how a projection was learnt.

    Parameters
    ----------
    labels_digest : str
        Hexadecimal sha256 of the labels and pairs.
    others : str
        ``"auto"``, ``"protect"`` or ``"ignore"``.
    choice : str
        The chosen metric, in words; ``"label-free"`` where nothing was gained and nothing changed.
    classes : tuple of str
        The labels it was learnt from, sorted.
    figures : mapping of str to float
        Precision of the cross-validation that chose, and counts: ``labelled``, ``alike``, ``not_alike``, ``folds``,
        ``others_weight``, ``seen``, ``seen_label_free``, ``unseen``, ``unseen_label_free``; of pairs alone ``pairs``
        and ``pairs_label_free``, the share of other images that lie farther than the partner of a held-out pair.
    labels : sequence of n tuples of str
        Labels of each image that it was learnt from.
    folds : (n,) int64
        Fold of each image, -1 without a label (where there are pairs alone: without a pair).
    held_out : HeldOut or None
        None since images were added or removed: then only labels that it was not learnt from can be evaluated.
    """

    labels_digest: str
    others: str
    choice: str
    classes: tuple[str, ...]
    figures: Mapping[str, float]
    labels: Sequence[tuple[str, ...]] = field(repr=False)
    folds: Rows = field(repr=False)
    held_out: HeldOut | None = field(default=None, repr=False)

    @property
    def changed(self) -> bool:
        """False where no metric was better than the one without labels, which then was kept."""
        return self.choice != "label-free"

    @property
    def digest(self) -> str:
        """Hexadecimal sha256 of the record."""
        content = hashlib.sha256(json.dumps([self._facts(), list(self.labels)], sort_keys=True).encode())
        lists = () if self.held_out is None else (self.held_out.learnt, self.held_out.label_free)
        for part in (self.folds.astype(np.int64), *lists):
            content.update(np.ascontiguousarray(part).data)
        return content.hexdigest()

    def of_rows(self, rows: Rows) -> Learning:
        """Return the record of other rows, -1 for images that are new; neighbours are no longer known."""
        labels = [self.labels[row] if row >= 0 else () for row in rows.tolist()]
        return replace(self, labels=labels, folds=np.where(rows >= 0, self.folds[rows], -1), held_out=None)

    def save(self, folder: Path) -> None:
        """Write ``learning.json`` and ``learning.parquet`` (a row per image) into ``folder``."""
        columns: dict[str, pa.Array] = {
            "labels": pa.array([list(names) for names in self.labels], pa.list_(pa.string())),
            "fold": pa.array(self.folds, pa.int32()),
        }
        if self.held_out is not None:
            columns |= {name: _lists(getattr(self.held_out, name)) for name in ("learnt", "label_free")}
        arrow.write_parquet(pa.table(columns), folder / ROWS)
        with atomic_path(folder / FACTS) as path:
            path.write_text(json.dumps(self._facts(), indent=1) + "\n")

    @classmethod
    def load(cls, folder: Path, rows: int) -> Learning:
        """Read what `save` wrote, of ``rows`` images.

        Raises
        ------
        ModelFormatError
            A file is missing or damaged, or of other images.
        """
        try:
            facts = read_json(folder / FACTS)
            table = arrow.read_parquet(folder / ROWS)
            if len(table) != rows:
                raise ValueError(f"it is of {len(table):,} images, not {rows:,}")
            held_out = None
            if "learnt" in table.column_names:
                held_out = HeldOut(*(_matrix(table[name], rows) for name in ("learnt", "label_free")))
            figures = {str(name): float(value) for name, value in facts["figures"].items()}
            labels = [tuple(map(str, names)) for names in table["labels"].to_pylist()]
            digest, others, choice = (str(facts[name]) for name in ("labels_digest", "others", "choice"))
            classes, folds = tuple(map(str, facts["classes"])), table["fold"].to_numpy().astype(np.int64)
            return cls(digest, others, choice, classes, figures, labels, folds, held_out)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, pa.ArrowException) as error:
            raise ModelFormatError(
                f"the record of learning in {folder} cannot be read: {error}. Learn the model again."
            ) from error

    def _facts(self) -> dict[str, Any]:
        return {
            "labels_digest": self.labels_digest,
            "others": self.others,
            "choice": self.choice,
            "classes": list(self.classes),
            "figures": {name: round(float(value), 6) for name, value in self.figures.items()},
        }


def _lists(matrix: Neighbors) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(pa.array(matrix.reshape(-1), pa.int32()), matrix.shape[1])


def _matrix(column: pa.ChunkedArray, rows: int) -> Neighbors:
    width = column.type.list_size
    matrix = column.combine_chunks().flatten().to_numpy().reshape(rows, width).astype(np.int32)
    if matrix.size and not -1 <= matrix.min() <= matrix.max() < rows:
        raise ValueError("neighbours outside the images")
    return np.asarray(matrix, np.int32)
