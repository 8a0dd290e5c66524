"""Decisions of people about groups of duplicates: they win over what is proposed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from imgsim.decisions.arguments import ordered
from imgsim.decisions.copies import file_key
from imgsim.decisions.kinds import KEEP, Kind

if TYPE_CHECKING:
    from imgsim.decisions.store import Decisions
    from imgsim.references.references import References

LAST = "the last copy stays"
NO_COPY = "decided: no copy of what is kept"


class Choice(NamedTuple):
    """A decision about a copy: keep it or spare it, who decided, and in which tier, if that is known."""

    keep: bool
    by: str
    tier: str | None = None


@dataclass(frozen=True)
class DecidedCopies:
    """Decisions about copies of reference images.

    Of files with the same bytes each is decided about by its path; in the other tiers a picture is, by its content.
    A picture that is kept among copies of it is not thereby kept among its look-alikes.

    Parameters
    ----------
    sha256, paths : sequence of str
        Of the images, by row.
    pictures : mapping of str to Choice
        By sha256.
    files : mapping of (str, str) to Choice
        By sha256 and `imgsim.decisions.copies.file_key`.
    different : set of (str, str)
        Pairs of sha256, in order, that are no copies of each other.
    """

    sha256: Sequence[str]
    paths: Sequence[str]
    pictures: Mapping[str, Choice]
    files: Mapping[tuple[str, str], Choice]
    different: AbstractSet[tuple[str, str]]

    @classmethod
    def of(cls, references: References, decisions: Decisions) -> DecidedCopies:
        """Read what is decided now.

        Raises
        ------
        DecisionsError
            The store cannot be used.
        """
        by = {kind: decisions.deciders(kind) for kind in (Kind.COPY, Kind.FILE)}
        found = {
            kind: {
                (one.sha256, one.key): Choice(
                    one.value == KEEP, by[kind].get((one.sha256, "", one.key), ""), one.grouping
                )
                for one in decisions.current(kind)
            }
            for kind in by
        }
        pictures = {sha256: choice for (sha256, _), choice in found[Kind.COPY].items()}
        images = references.images
        return cls(images.sha256, images.paths, pictures, found[Kind.FILE], decisions.not_duplicates())

    def choice(self, tier: str, row: int) -> Choice | None:
        """Return the decision about an image in a group of a tier; None where there is none."""
        if tier == "same_bytes":
            key = file_key(self.paths[row]) if self.files else ""
            return self.files.get((self.sha256[row], key))
        found = self.pictures.get(self.sha256[row])
        elsewhere = found is not None and found.keep and (tier, found.tier) == ("look_alike", "same_picture")
        return None if elsewhere else found

    def differ(self, row: int, other: int) -> bool:
        """Tell if two images are marked as no copies of each other."""
        return ordered(self.sha256[row], self.sha256[other]) in self.different

    def are_different(self, rows: Iterable[int]) -> bool:
        """Tell if no two images of a group are copies of each other: all pairs of their contents are marked so."""
        if not self.different:
            return False
        contents = sorted({self.sha256[row] for row in rows})
        return len(contents) > 1 and all(pair in self.different for pair in combinations(contents, 2))

    def is_settled(self, tier: str, rows: Sequence[int]) -> bool:
        """Tell if nothing is left to decide about a group: each image of it is decided about, or they differ."""
        return all(self.choice(tier, row) for row in rows) or self.are_different(rows)


def decided_groups(table: pd.DataFrame, decided: DecidedCopies) -> pd.DataFrame:
    """Return the table ``groups`` of the insight ``duplicates`` as people decided it.

    ``keep`` and ``reason`` of a decided image say so; what nobody decided about stays as proposed. Groups whose
    images are no copies of each other are left out. Of a group at least one image is kept: if all are to be spared,
    the proposed one. The new column ``decided`` (bool) marks images that were decided about.
    """
    if not len(table):
        return table.assign(decided=pd.Series(dtype=bool))
    rows, numbers, tiers = table["row"].to_numpy(np.int64), table["group"].to_numpy(), table["tier"].to_numpy(object)
    order = np.argsort(numbers, kind="stable")
    keep, reason = table["keep"].to_numpy(bool).copy(), table["reason"].to_numpy(object).copy()
    marked, there = np.zeros(len(table), bool), np.ones(len(table), bool)
    for at in np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1):
        members = rows[at].tolist()
        if decided.are_different(members):
            there[at] = False
            continue
        choices = [decided.choice(tiers[at[0]], row) for row in members]
        if not decided.different and not any(choices):
            continue
        keep[at], reason[at] = _decide(members, keep[at].tolist(), reason[at].tolist(), choices, decided)
        marked[at] = [choice is not None for choice in choices]
    return table.assign(keep=keep, reason=reason, decided=marked)[there]


def _decide(
    rows: list[int],
    proposed: list[bool],
    reasons: list[str],
    choices: list[Choice | None],
    decided: DecidedCopies,
) -> tuple[list[bool], list[str]]:
    """Return for each image of a group if it is kept, and why."""
    keep = [one if choice is None else choice.keep for one, choice in zip(proposed, choices, strict=True)]
    reasons = [why if one is None else f"decided by {one.by}" for why, one in zip(reasons, choices, strict=True)]
    if not any(keep):
        keep = proposed
        reasons = [LAST if one else why for one, why in zip(keep, reasons, strict=True)]
    kept = [row for row, one in zip(rows, keep, strict=True) if one]
    for place, row in enumerate(rows):
        if choices[place] is None and not keep[place] and all(decided.differ(row, other) for other in kept):
            keep[place], reasons[place] = True, NO_COPY
    return keep, reasons
