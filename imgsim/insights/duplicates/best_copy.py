"""Choice of the image of a group to keep, with a reason in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imgsim.insights.duplicates.links import Links

if TYPE_CHECKING:
    from imgsim.references.references import References

_SHARPER = 0.05  # less than this is noise of the thumbnail
_UNDATED = float("inf")
_LOSSLESS = ("PNG", "BMP", "TIFF")
_SUFFIXES = {"jpg": "JPEG", "jpe": "JPEG", "jfif": "JPEG", "tif": "TIFF", "heic": "HEIF"}
"""Suffixes that are not the name of their format."""


@dataclass(frozen=True)
class ImageProperties:
    """Properties that decide which image is kept, row by row; ``width`` and ``height`` are after EXIF rotation."""

    width: NDArray[np.int32]
    height: NDArray[np.int32]
    bytes: NDArray[np.int64]
    sharpness: NDArray[np.float32]
    seconds: NDArray[np.float64]
    paths: Sequence[str]
    formats: Sequence[str]
    links: Links

    @classmethod
    def of(cls, references: References, sharpness: NDArray[np.float32], links: Links | None = None) -> ImageProperties:
        """Collect the properties of n images.

        Parameters
        ----------
        references : References
        sharpness : (n,) float32
            May be NaN.
        links : Links, optional
            Default: no file has two names.
        """
        images = references.images
        width, height = np.asarray(images.column("width")), np.asarray(images.column("height"))
        lying = np.asarray(images.column("orientation")) >= 5
        times = np.asarray(images.column("mtime"), "datetime64[us]")
        return cls(
            np.where(lying, height, width).astype(np.int32),
            np.where(lying, width, height).astype(np.int32),
            np.asarray(images.column("bytes")),
            sharpness,
            np.where(np.isnat(times), _UNDATED, times.astype(np.int64) // 1_000_000),  # file systems round times
            images.paths,
            images.column("format"),
            Links.none(len(images)) if links is None else links,
        )

    def pixels(self, row: int) -> int:
        """Return width times height."""
        return int(self.width[row]) * int(self.height[row])

    def is_lossless(self, row: int) -> bool:
        """Return whether the format keeps every pixel; a JPEG made of such a file may have more bytes."""
        return self.formats[row] in _LOSSLESS

    def suffix_fits(self, row: int) -> bool:
        """Return whether the suffix of the name is one of the file's format."""
        suffix = self.paths[row].rpartition(".")[2].lower()
        return _SUFFIXES.get(suffix, suffix.upper()) == self.formats[row]

    @property
    def linked(self) -> NDArray[np.bool_]:
        """Rows whose file has another name in the collection, or that are symbolic links, (n,)."""
        return self.links.symbolic | (self.links.names > 1)


def suggestion(properties: ImageProperties, rows: Sequence[int]) -> tuple[int, list[str]]:
    """Suggest the row to keep, with a reason for each row.

    The criteria in order: most pixels, a lossless format, most bytes, sharpest (by more than 5 %), a file rather than
    a symbolic link, most names (hard links), a suffix that fits the format, oldest (in whole seconds), first by path.

    Returns
    -------
    (int, list of str)
        The kept row; in the order of ``rows``, why each is kept or is not.
    """
    kept = _best(properties, rows)
    others = [row for row in rows if row != kept]
    nearest = max(others, key=lambda row: _first_difference(properties, kept, row))
    reasons = {row: _reason_to_move(properties, kept, row) for row in others}
    reasons[kept] = _reason_to_keep(properties, kept, nearest)
    return kept, [reasons[row] for row in rows]


def _best(properties: ImageProperties, rows: Sequence[int]) -> int:
    most = max(properties.pixels(row) for row in rows)
    left = [row for row in rows if properties.pixels(row) == most]
    left = [row for row in left if properties.is_lossless(row)] or left
    most = max(int(properties.bytes[row]) for row in left)
    left = [row for row in left if int(properties.bytes[row]) == most]
    sharpest = max(
        (float(properties.sharpness[row]) for row in left if properties.sharpness[row] == properties.sharpness[row]),
        default=0,
    )
    left = [row for row in left if not _sharper(sharpest, float(properties.sharpness[row]))] or left
    return min(left, key=lambda row: (*_of_the_file(properties, row), properties.paths[row]))


def _of_the_file(properties: ImageProperties, row: int) -> tuple[bool, int, bool, float]:
    """Return what decides between files of one quality, the smallest first."""
    links = properties.links
    return bool(links.symbolic[row]), -int(links.names[row]), not properties.suffix_fits(row), properties.seconds[row]


def _sharper(one: float, other: float) -> bool:
    """Return whether ``one`` is sharper by more than noise; False where either is unknown (NaN)."""
    return one > other * (1 + _SHARPER)


def _first_difference(properties: ImageProperties, kept: int, row: int) -> int:
    """Return the position of the first criterion in which the kept row and another differ."""
    pairs = zip(_of_the_file(properties, kept), _of_the_file(properties, row), strict=True)
    equal = (
        properties.pixels(kept) == properties.pixels(row),
        properties.is_lossless(kept) == properties.is_lossless(row),
        properties.bytes[kept] == properties.bytes[row],
        not _sharper(float(properties.sharpness[kept]), float(properties.sharpness[row])),
        *(one == other for one, other in pairs),
    )
    return next((i for i, same in enumerate(equal) if not same), len(equal))


def _reason_to_move(properties: ImageProperties, kept: int, row: int) -> str:
    """Return the reason not to keep ``row``: its first difference from the kept row."""
    if properties.links.file[kept] == properties.links.file[row]:
        return f"a link to the same file as {properties.paths[kept]}: it takes no space"
    if properties.linked[row]:
        return "a link, or the file that a link leads to: it stays in its place"
    return (
        f"fewer pixels: {_size(properties, row)} against {_size(properties, kept)}",
        f"same size, not lossless: {properties.formats[row]} against {properties.formats[kept]}",
        f"same size, fewer bytes: {properties.bytes[row]:,} against {properties.bytes[kept]:,}",
        "same size and bytes, less sharp",
        "a symbolic link",
        "the kept file has more names",
        f"its suffix does not fit its format, {properties.formats[row]}",
        f"newer: {_day(properties, row)} against {_day(properties, kept)}",
        "alike in every respect, later by path",
    )[_first_difference(properties, kept, row)]


def _reason_to_keep(properties: ImageProperties, kept: int, next_best: int) -> str:
    """Return the reason to keep a row: its first difference from the next best."""
    return (
        f"most pixels: {_size(properties, kept)}, next {_size(properties, next_best)}",
        f"same size, lossless: {properties.formats[kept]}, next {properties.formats[next_best]}",
        f"same size, most bytes: {properties.bytes[kept]:,}, next {properties.bytes[next_best]:,}",
        "same size and bytes, sharpest",
        "the file, not a symbolic link",
        f"most names: {properties.links.names[kept]} links to one file",
        f"its suffix fits its format, {properties.formats[kept]}",
        f"oldest: {_day(properties, kept)}, next {_day(properties, next_best)}",
        "alike in every respect, first by path",
    )[_first_difference(properties, kept, next_best)]


def _size(properties: ImageProperties, row: int) -> str:
    return f"{properties.width[row]} x {properties.height[row]}"


def _day(properties: ImageProperties, row: int) -> str:
    seconds = float(properties.seconds[row])
    if seconds == _UNDATED:
        return "no date"
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
