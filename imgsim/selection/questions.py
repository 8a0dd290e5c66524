"""Questions to a person: the labels and pairs whose answers would change most."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from imgsim import arguments
from imgsim.errors import ArgumentError
from imgsim.insights.compute import Computation
from imgsim.insights.labels.errors import FLAGGED
from imgsim.selection.decided import Decided
from imgsim.selection.label_questions import judged_labels, missing_labels
from imgsim.selection.pair_questions import unsure_pairs

if TYPE_CHECKING:
    from pathlib import Path

    from imgsim.decisions import Decisions
    from imgsim.io.vectors import Rows
    from imgsim.references.references import References

KINDS = ("label", "pair")
COLUMNS = ("kind", "id", "other_id", "path", "other_path", "label", "other_label", "suggestion", "score", "why")
CANDIDATES = 50  # pairs that are looked at for each question


def questions(
    references: References,
    n: int = 20,
    decisions: Decisions | str | Path | bool | None = None,
    kinds: Collection[str] = KINDS,
) -> pd.DataFrame:
    """Return what to ask a person next, the most informative first.

    The score of a question is the probability that its answer differs from what the labels say now, those of pairs
    corrected where they are probably wrong; half of it for a pair, whose answer does not say which label is right.
    Labels that are probably wrong come first (`imgsim.insights.labels.errors`), then those between two classes, with
    missing labels and pairs among them. A picture is asked about once. The same question (label and suggestion) about
    a neighbour waits until nothing else is left: its answer is likely the same.

    Parameters
    ----------
    references : References
    n : int
        Questions at most, at least 1.
    decisions : Decisions, str, Path or bool, optional
        A store of what people decided, its address, or True for the default one. Their labels
        replace those of the images, and nothing is asked that is decided.
    kinds : collection of str
        ``"label"`` and ``"pair"``, or one of them.

    Returns
    -------
    DataFrame
        ``kind``; ``id``, ``path`` and ``label`` of the image; the same of the other image of a pair, as ``other_id``,
        ``other_path`` and ``other_label``; ``suggestion``: the label that the neighbours vote for, or ``"alike"`` or
        ``"not alike"``; ``score``; ``why``.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        ``n`` or ``kinds`` outside their domain.
    """
    n, wanted = arguments.positive_int(n, "n"), arguments.labels(kinds, "kinds")
    if not wanted or set(wanted) - set(KINDS):
        raise ArgumentError(f"kinds must be some of {', '.join(KINDS)}, not {wanted}.")
    known = Decided.of(references, decisions)
    pictures = Computation(references).pictures
    candidates = _candidates(known, pictures, n, wanted)
    chosen = candidates.iloc[_apart(candidates, references, pictures, n)]
    return _named(references, chosen)


def _candidates(known: Decided, pictures: Rows, n: int, kinds: Collection[str]) -> pd.DataFrame:
    """Collect questions whose answers are not known, the highest score first; ``other`` is -1 for labels."""
    images, found = known.references, []
    judged = judged_labels(images, pictures)
    judged = judged[~known.labels[judged["row"].to_numpy(np.int64)]]
    if "label" in kinds:
        found += [judged.assign(kind="label"), missing_labels(images, pictures, n).assign(kind="label")]
    if "pair" in kinds:
        pairs = unsure_pairs(images, pictures, *_believed(images, judged), CANDIDATES * n + len(known.pairs))
        found.append(pairs[~known.has_pairs(pairs)].assign(kind="pair"))
    filled = [part.reindex(columns=["kind", "row", "other", *COLUMNS[5:]]) for part in found if len(part)]
    if not filled:
        return pd.DataFrame(columns=["kind", "row", "other", *COLUMNS[5:]])
    candidates = pd.concat([part.astype({"other_label": object}) for part in filled], ignore_index=True)
    candidates["other"] = candidates["other"].fillna(-1).astype(np.int64)
    return candidates.sort_values("score", ascending=False, kind="stable", ignore_index=True)


def _believed(references: References, judged: pd.DataFrame) -> tuple[list[str | None], NDArray[np.float64]]:
    """Return the likeliest label of each image, and the probability that it is wrong, (n,)."""
    labels, wrong = list(references.images.labels), np.zeros(len(references))
    for row, suggestion, score in judged[["row", "suggestion", "score"]].itertuples(index=False):
        labels[row] = suggestion if score > FLAGGED else labels[row]
        wrong[row] = min(score, 1 - score)
    return labels, wrong


def _apart(candidates: pd.DataFrame, references: References, pictures: Rows, n: int) -> list[int]:
    """Choose n candidates in order, none of a picture that has one; the same question about a neighbour waits."""
    neighbors = references.graph.neighbors
    asked: set[int] = set()
    around: dict[tuple[str, ...], set[int]] = {}
    chosen: list[int] = []
    same = candidates[["kind", "label", "other_label", "suggestion"]].fillna("").itertuples(index=False, name=None)
    ends = (
        [int(pictures[row]) for row in rows if row >= 0] for rows in candidates[["row", "other"]].to_numpy(np.int64)
    )
    waiting = list(enumerate(zip(same, ends, strict=True)))
    for patient in (True, False):
        later = []
        for place, (question, rows) in waiting:
            if len(chosen) == n:
                return chosen
            near = around.setdefault(question, set())
            if patient and not near.isdisjoint(rows):
                later.append((place, (question, rows)))
            elif asked.isdisjoint(rows):
                chosen.append(place)
                asked.update(rows)
                near.update(pictures[neighbors[rows].reshape(-1)].tolist())
        waiting = later
    return chosen


def _named(references: References, chosen: pd.DataFrame) -> pd.DataFrame:
    """Replace rows by ids and paths."""
    images, row, other = references.images, chosen["row"].to_numpy(np.int64), chosen["other"].to_numpy(np.int64)
    ids, paths = references.ids.astype(object), np.array(images.paths, object)
    named = {
        "id": references.ids[row],
        "other_id": np.where(other < 0, None, ids[other]),
        "path": paths[row],
        "other_path": np.where(other < 0, None, paths[other]),
    }
    table = chosen.assign(**named)[list(COLUMNS)].reset_index(drop=True)
    return table.astype(dict.fromkeys(("label", "other_label", "suggestion"), object)).where(table.notna(), None)
