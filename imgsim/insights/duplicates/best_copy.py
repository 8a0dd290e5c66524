"""Choice of the image of a group to keep, with a reason in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from imgsim.references.references import References

_SHARPER = 0.05  # less than this is noise of the thumbnail
_UNDATED = float("inf")


@dataclass(frozen=True)
class Facts:
    """Properties that decide which image is kept, row by row; ``width`` and ``height`` are after EXIF rotation."""

    width: NDArray[np.int32]
    height: NDArray[np.int32]
    bytes: NDArray[np.int64]
    sharpness: NDArray[np.float32]
    seconds: NDArray[np.float64]
    paths: Sequence[str]

    @classmethod
    def of(cls, references: References, sharpness: NDArray[np.float32]) -> Facts:
        """Collect the facts of n images; (n,) sharpness may be NaN, an unknown time counts as the latest."""
        images = references.images
        width, height = np.asarray(images.column("width")), np.asarray(images.column("height"))
        lying = np.asarray(images.column("orientation")) >= 5
        times = np.asarray(images.column("mtime"), "datetime64[us]")
        seconds = np.where(np.isnat(times), _UNDATED, times.astype(np.int64) / 1e6)
        return cls(
            np.where(lying, height, width).astype(np.int32),
            np.where(lying, width, height).astype(np.int32),
            np.asarray(images.column("bytes")),
            sharpness,
            seconds,
            images.paths,
        )

    def pixels(self, row: int) -> int:
        """Return width times height."""
        return int(self.width[row]) * int(self.height[row])


def suggestion(facts: Facts, rows: Sequence[int]) -> tuple[int, list[str]]:
    """Suggest the row to keep, with a reason for each row.

    The criteria in order: most pixels, most bytes, sharpest (by more than 5 %), oldest, first by path.

    Returns
    -------
    (int, list of str)
        The kept row; in the order of ``rows``, why each is kept or is not.
    """
    kept = _best(facts, rows)
    others = [row for row in rows if row != kept]
    nearest = max(others, key=lambda row: _first_difference(facts, kept, row))
    reasons = {row: _reason_to_move(facts, kept, row) for row in others}
    reasons[kept] = _reason_to_keep(facts, kept, nearest)
    return kept, [reasons[row] for row in rows]


def _best(facts: Facts, rows: Sequence[int]) -> int:
    most = max(facts.pixels(row) for row in rows)
    left = [row for row in rows if facts.pixels(row) == most]
    most = max(int(facts.bytes[row]) for row in left)
    left = [row for row in left if int(facts.bytes[row]) == most]
    sharpest = max(
        (float(facts.sharpness[row]) for row in left if facts.sharpness[row] == facts.sharpness[row]), default=0
    )
    left = [row for row in left if not _sharper(sharpest, float(facts.sharpness[row]))] or left
    return min(left, key=lambda row: (facts.seconds[row], facts.paths[row]))


def _sharper(one: float, other: float) -> bool:
    """Return whether ``one`` is sharper by more than noise; False where either is unknown (NaN)."""
    return one > other * (1 + _SHARPER)


def _first_difference(facts: Facts, kept: int, row: int) -> int:
    """Return the position of the first criterion in which the kept row and another differ."""
    equal = (
        facts.pixels(kept) == facts.pixels(row),
        facts.bytes[kept] == facts.bytes[row],
        not _sharper(float(facts.sharpness[kept]), float(facts.sharpness[row])),
        facts.seconds[kept] == facts.seconds[row],
    )
    return next((i for i, same in enumerate(equal) if not same), len(equal))


def _reason_to_move(facts: Facts, kept: int, row: int) -> str:
    """Return the reason not to keep ``row``: its first difference from the kept row."""
    return (
        f"fewer pixels: {_size(facts, row)} against {_size(facts, kept)}",
        f"same size, fewer bytes: {facts.bytes[row]:,} against {facts.bytes[kept]:,}",
        "same size and bytes, less sharp",
        f"newer: {_day(facts, row)} against {_day(facts, kept)}",
        "alike in every respect, later by path",
    )[_first_difference(facts, kept, row)]


def _reason_to_keep(facts: Facts, kept: int, next_best: int) -> str:
    """Return the reason to keep a row: its first difference from the next best."""
    return (
        f"most pixels: {_size(facts, kept)}, next {_size(facts, next_best)}",
        f"same size, most bytes: {facts.bytes[kept]:,}, next {facts.bytes[next_best]:,}",
        "same size and bytes, sharpest",
        f"oldest: {_day(facts, kept)}, next {_day(facts, next_best)}",
        "alike in every respect, first by path",
    )[_first_difference(facts, kept, next_best)]


def _size(facts: Facts, row: int) -> str:
    return f"{facts.width[row]} x {facts.height[row]}"


def _day(facts: Facts, row: int) -> str:
    seconds = float(facts.seconds[row])
    if seconds == _UNDATED:
        return "no date"
    return datetime.fromtimestamp(round(seconds), UTC).strftime("%Y-%m-%d %H:%M:%S")
