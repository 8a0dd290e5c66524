"""Supervision: labels and pairs of images, as given by people, in the form that a metric is learnt from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from imgsim.decisions import Decisions, as_decisions
from imgsim.errors import ArgumentError, ArgumentTypeError
from imgsim.images.listing import TOP_FOLDER, top_name

if TYPE_CHECKING:
    from imgsim.references.references import References

Rows = NDArray[np.int64]
LabelSets = list[tuple[str, ...]]
PAIR_COLUMNS = ("left", "right", "alike")
_NAMED = 5


@dataclass(frozen=True)
class Supervision:
    """Labels and pairs of n images.

    Parameters
    ----------
    labels : list of n tuples of str
        Labels of each image, sorted; empty for an image without one, and for one of the background.
    alike, unlike : (a, 2), (b, 2) int64
        Rows of two images that a person called alike, or not alike.
    background : (n,) bool
        Images whose label says that they are of none of the classes.
    """

    labels: LabelSets
    alike: Rows
    unlike: Rows
    background: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """(n,) true for images with a label."""
        return np.array([bool(found) for found in self.labels], bool)

    @property
    def digest(self) -> str:
        """Hexadecimal sha256 of labels and pairs, row by row."""
        content = [self.labels, self.alike.tolist(), self.unlike.tolist(), np.flatnonzero(self.background).tolist()]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def read_supervision(
    references: References,
    labels: Any,
    pairs: Any,
    background: Sequence[str],
    decisions: Decisions | str | Path | bool | None = None,
) -> Supervision:
    """Read labels and pairs of reference images, in any form that `SimilarityModel.learn` takes.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        An unknown column or id, another number of labels than images, no label that can teach, contradictory pairs.
    """
    found = read_labels(references, labels)
    lefts, rights, alike = read_pairs(references, pairs)
    if (store := as_decisions(decisions)) is not None:
        found = _decided(references, found, store.labels())
        more = _decided_pairs(references, store.pairs())
        lefts, rights, alike = (np.concatenate(both) for both in zip((lefts, rights, alike), more, strict=True))
    none = set(background)
    outside = np.array([bool(names) and none.issuperset(names) for names in found], bool)
    kept = [tuple(name for name in names if name not in none) for names in found]
    rows = _one_verdict_each(references, lefts, rights, alike)
    supervision = Supervision(kept, *rows, outside)
    require_teaching(supervision)
    return supervision


def read_labels(references: References, labels: Any) -> LabelSets:
    """Return the labels of each reference image as a sorted tuple; empty without one."""
    n = len(references)
    if labels is None:
        values: Iterable[Any] = references.images.labels
    elif isinstance(labels, str) and labels == TOP_FOLDER:
        values = map(top_name, references.images.paths)
    elif isinstance(labels, str):
        values = references.images.column(labels)
    elif isinstance(labels, Mapping):
        by_row = dict(zip(_rows_of(references, labels.keys(), "labels name").tolist(), labels.values(), strict=True))
        values = [by_row.get(row) for row in range(n)]
    elif isinstance(labels, (Sequence, np.ndarray, pd.Series, pd.Index)) and not isinstance(labels, bytes):
        if len(labels) != n:
            raise ArgumentError(f"{len(labels):,} labels for {n:,} images: give one per image, None where unknown.")
        values = list(labels)
    else:
        raise ArgumentTypeError(
            f"labels must be a column's name, a mapping of ids to labels, or one per image, not "
            f"{type(labels).__name__}."
        )
    return [_names(value) for value in values]


def _names(value: Any) -> tuple[str, ...]:
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return ()
    several = isinstance(value, (list, tuple, set, frozenset, np.ndarray))
    names = [_name(item) for item in (value if several else [value])]
    return tuple(sorted({name for name in names if name}))


def _name(value: Any) -> str:
    if isinstance(value, (str, bool, int, np.integer, np.bool_)):
        return str(value)
    raise ArgumentTypeError(f"a label is a text or a whole number, not {value!r:.80}.")


def read_pairs(references: References, pairs: Any) -> tuple[Rows, Rows, NDArray[np.bool_]]:
    """Return rows of the left and right image of each pair, and whether they are alike, (m,) each."""
    frame = _frame(pairs)
    alike = frame["alike"].tolist()
    wrong = next((value for value in alike if not isinstance(value, (bool, np.bool_))), None)
    if wrong is not None:
        raise ArgumentTypeError(f"the third value of a pair says if it is alike, True or False, not {wrong!r:.80}.")
    left, right = (_rows_of(references, frame[side].tolist(), "pairs name") for side in PAIR_COLUMNS[:2])
    return left, right, np.array(alike, bool)


def _frame(pairs: Any) -> pd.DataFrame:
    if pairs is None:
        return pd.DataFrame({name: [] for name in PAIR_COLUMNS})
    if isinstance(pairs, pd.DataFrame):
        if missing := [name for name in PAIR_COLUMNS if name not in pairs.columns]:
            raise ArgumentError(f"the table of pairs lacks {missing}; its columns are {list(pairs.columns)}.")
        return pairs
    rows = [tuple(pair) for pair in pairs]
    if wrong := next((row for row in rows if len(row) != len(PAIR_COLUMNS)), None):
        raise ArgumentError(f"a pair is (left id, right id, alike), not {wrong!r:.80}.")
    return pd.DataFrame(rows, columns=list(PAIR_COLUMNS), dtype=object)


def _rows_of(references: References, ids: Iterable[Any], what: str) -> Rows:
    values = [value.item() if isinstance(value, np.generic) else value for value in ids]
    gone = [value for value in dict.fromkeys(values) if not references.has_id(value)]
    if gone:
        shown = ", ".join(f"{value!r:.60}" for value in gone[:_NAMED]) + (", ..." if len(gone) > _NAMED else "")
        raise ArgumentError(
            f"{what} {len(gone):,} images that the model does not hold: {shown}. Add them first, or leave them out; "
            "see model.ids."
        )
    return references.rows_of_ids(values)


def _decided(references: References, labels: LabelSets, decided: Mapping[str, str]) -> LabelSets:
    """Put decided labels, by sha256 of the file, in the place of others."""
    keys = references.images.sha256
    return [_names(decided.get(key, names)) if key else names for key, names in zip(keys, labels, strict=True)]


def _decided_pairs(references: References, pairs: pd.DataFrame) -> tuple[Rows, Rows, NDArray[np.bool_]]:
    """Return the decided pairs whose images are both in the model."""
    rows = [[references.row_of_content(str(key)) for key in pairs[side]] for side in PAIR_COLUMNS[:2]]
    here = [
        (left, right, bool(alike))
        for left, right, alike in zip(*rows, pairs["alike"], strict=True)
        if left is not None and right is not None
    ]
    left, right, alike = zip(*here, strict=True) if here else ((), (), ())
    return np.array(left, np.int64), np.array(right, np.int64), np.array(alike, bool)


def _one_verdict_each(references: References, left: Rows, right: Rows, alike: NDArray[np.bool_]) -> tuple[Rows, Rows]:
    """Return the pairs that are alike and those that are not, each once, the lower row first."""
    pairs = np.sort(np.stack([left, right], axis=1).reshape(-1, 2), axis=1)
    same = {tuple(pair) for pair in pairs[alike].tolist()}
    other = {tuple(pair) for pair in pairs[~alike].tolist()}
    itself = next((pair for pair in sorted(same | other) if pair[0] == pair[1]), None)
    if itself is not None:
        raise ArgumentError(f"a pair holds the image {references.ids[itself[0]].item()!r:.80} twice: leave it out.")
    if both := sorted(same & other):
        names = ", ".join(repr(references.ids[row].item())[:60] for row in both[0])
        raise ArgumentError(
            f"{len(both):,} pairs are alike and not alike at once, the first of {names}: decide on one of the two."
        )
    return tuple(np.array(sorted(found), np.int64).reshape(-1, 2) for found in (same, other))  # type: ignore[return-value]


def require_teaching(supervision: Supervision) -> None:
    """Refuse labels and pairs that say nothing about what is alike.

    Raises
    ------
    ArgumentError
        No label and no pair; one class only; labels that are all different.
    """
    if len(supervision.alike) or len(supervision.unlike):
        return
    counts: dict[str, int] = {}
    for names in supervision.labels:
        for name in names:
            counts[name] = counts.get(name, 0) + 1
    if not counts:
        raise ArgumentError("no image has a label, and no pairs are given: there is nothing to learn from.")
    if len(counts) == 1:
        raise ArgumentError(
            f"all labelled images are {next(iter(counts))!r:.80}: label images of at least one other class, too."
        )
    if max(counts.values()) == 1:
        raise ArgumentError(
            f"each of the {len(counts):,} labels is of one image only, so none says what is alike: give a label to "
            "at least two images."
        )
