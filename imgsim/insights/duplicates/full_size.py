"""Comparison of pictures at full size, which tells a copy from a picture with another number, word or line.

Both files are decoded and brought to the size of the smaller one. In blocks of 8 x 8 pixels the mean square of their
difference is divided by the local variance; it is what a copy would leave of the block's structure (Wang, Bovik,
Sheikh, Simoncelli, IEEE Trans. Image Processing 13, 2004), and the worst block decides, not the mean. Re-encoding and
resizing leave a small share everywhere; another digit leaves a large one in one block.

The limits were chosen on 200 Caltech-101 photographs in 7 changed copies each, and on drawn forms, receipts, charts
and screenshots (``tests/unit/insights/duplicates/test_full_size.py`` measures on others).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imgsim.decoding.decode import decode, resize
from imgsim.errors import ImageError
from imgsim.images.table import ImageTable
from imgsim.insights.descriptor import fit_light, turn_planes
from imgsim.progress import track
from imgsim.workers import usable_cores

if TYPE_CHECKING:
    from imgsim.insights.measures import Traits
    from imgsim.references.references import References

Rows = NDArray[np.int64]
Floats = NDArray[np.float32]

LOW_INFORMATION = 6.5
"""Entropy of a thumbnail's luma, in bits, below which it says too little: print on paper, charts, screens, plain
backgrounds. A third of Caltech-101 is below."""
LIMIT = 0.6
"""Largest share of a block's variance by which a copy differs; JPEG of quality 50 reaches 0.55."""
LIMIT_LOW, LIMIT_RESIZED, LIMIT_SLOPE, USUAL = 0.25, 0.2, 1.5, 0.97
"""In a picture of low information the limit is lower: 0.25 and 1.5 times what 97 % of its blocks stay below, which
tells how strongly it was re-encoded; 0.2 where sizes differ, as resizing smooths that."""
LIMIT_COLOR, LIMIT_COLOR_LOW, LIMIT_COLOR_RESIZED = 1.0, 0.36, 0.2
"""The same of Cb and Cr at half the size, at which JPEG stores them; the last where sizes differ."""
LIMIT_SHADE = 3.0
"""Grey levels of Y, Cb and Cr by which flat areas of a picture of low information differ; JPEG of quality 50 rounds
to 1, but for blocks beside an edge."""
LONGEST, LONGEST_LOW = 1024, 2048
"""Pixels of the longest side at which two pictures are compared at most."""
LEAST_SCALE, LEGIBLE = 0.45, 700
"""A picture of low information is compared with another only if it has 0.45 of its size, or 700 pixels: print that
cannot be read cannot be compared."""
_COARSE = 512
_BLOCK = 8
_FLAT = 4.0  # variance of a block without structure
_FEW = 0.05  # share of those that may have another shade
_MOSTLY = 0.5  # share of those from which a picture is mostly flat
_FLOOR = 16.0**2  # variance added to every block: grain and rounding
_LEAST_BLOCKS = 200  # with structure: of fewer, a changed one is among the usual
_BRIGHTER = 4.0  # grey levels of the mean, from which brightness was changed
_NEAR = 0.5  # share of the variance of a neighbouring block that counts: re-encoding spreads along edges
_KEPT = 16  # decoded pictures in memory


class FullSizeCheck:
    """Comparison of the original files of pairs whose thumbnails agree; each pair is compared once.

    Parameters
    ----------
    references : References
    traits : Traits
        Of the same images.
    root : str or Path, optional
        Folder of the files; default: the one that the images were loaded from.
    progress : bool
        Show a progress bar on stderr if it takes more than a second.
    """

    def __init__(
        self, references: References, traits: Traits, root: str | Path | None = None, progress: bool = False
    ) -> None:
        images = references.images
        self._images = (
            images if root is None else ImageTable(images.table, root=str(Path(root).expanduser().absolute()))
        )
        self._low = traits.measures["entropy"].to_numpy() < LOW_INFORMATION
        self._longest = np.maximum(np.asarray(images.column("width")), np.asarray(images.column("height")))
        self._progress = progress
        self._verdicts: dict[tuple[int, int], bool | None] = {}
        self._picture = lru_cache(_KEPT)(self._read)

    @property
    def unchecked(self) -> int:
        """Number of pairs of low information whose files could not be read; they count as different."""
        return sum(verdict is None for verdict in self._verdicts.values())

    def same(self, a: Rows, b: Rows, turns: Rows) -> NDArray[np.bool_]:
        """Tell which pairs show the same picture, (m,) bool.

        Where a file cannot be read any more, or has changed, the thumbnails decide, unless they hold little
        information: then the pair is not the same.

        Parameters
        ----------
        a, b : (m,) int64
            Rows of the pairs.
        turns : (m,) int64
            Position in `imgsim.insights.descriptor.TURNS` at which the second picture equals the first.
        """
        pairs = list(zip(a.tolist(), b.tolist(), turns.tolist(), strict=True))
        todo = [pair for pair in dict.fromkeys(pairs) if pair[:2] not in self._verdicts]
        if todo:
            self._compare_all(todo)
        return np.array([bool(self._verdicts[pair[:2]]) for pair in pairs], bool)

    def _compare_all(self, pairs: list[tuple[int, int, int]]) -> None:
        pool = ThreadPoolExecutor(usable_cores(), thread_name_prefix="imgsim-compare")
        try:
            verdicts = track(pool.map(self._compare, pairs), "comparing originals", len(pairs), self._progress)
            self._verdicts.update((pair[:2], verdict) for pair, verdict in zip(pairs, verdicts, strict=True))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)  # also after Ctrl-C

    def _compare(self, pair: tuple[int, int, int]) -> bool | None:
        """Return whether two rows show the same picture; None if that cannot be known."""
        a, b, turn = pair
        low = bool(self._low[a] or self._low[b])
        small, large = sorted((int(self._longest[a]), int(self._longest[b])))
        if low and small < LEAST_SCALE * large and small < LEGIBLE:
            return False
        one, other = self._picture(a), self._picture(b)
        if one is None or other is None:
            return None if low else True
        turned = np.moveaxis(turn_planes(np.moveaxis(other, -1, 0), turn), 0, -1)
        return is_copy(one, np.ascontiguousarray(turned, np.uint8), low)

    def _read(self, row: int) -> NDArray[np.uint8] | None:
        """Decode a file at no more than the size of comparison, (H, W, 3); None if it is gone or has changed."""
        try:
            data = self._images.read_bytes(row)
            if hashlib.sha256(data).hexdigest() != self._images.sha256[row]:
                return None
            longest = LONGEST_LOW if self._low[row] else LONGEST
            picture = decode(data, (longest, longest))
            return _reduced(picture, longest)
        except ImageError:
            return None


def is_copy(first: NDArray[np.uint8], second: NDArray[np.uint8], low_information: bool) -> bool:
    """Tell whether two pictures differ by no more than re-encoding, resizing and brightness explain.

    Parameters
    ----------
    first, second : (H, W, 3) uint8
        RGB, in any two sizes.
    low_information : bool
        Hold them to the stricter limits, for print, charts and screens.
    """
    small = min(first.shape[:2], second.shape[:2], key=lambda size: size[0] * size[1])
    scale = min(1.0, _COARSE / max(small))
    if scale < 1:
        coarse = (max(1, round(small[0] * scale)), max(1, round(small[1] * scale)))
        if worst_difference(*(_planes(picture, coarse)[0] for picture in (first, second)))[0] > LIMIT:
            return False
    one, other = _planes(first, small), _planes(second, small)
    worst, usual = worst_difference(one[0], other[0])
    limit, color_limit = LIMIT, LIMIT_COLOR
    if low_information:
        resized = first.shape != second.shape
        limit = LIMIT_RESIZED if resized else min(LIMIT, LIMIT_LOW + LIMIT_SLOPE * usual)
        color_limit = LIMIT_COLOR_RESIZED if resized else LIMIT_COLOR_LOW
        if not _same_shades(one, other):
            return False
    return worst <= limit and _same_colors(one, other, color_limit)


def _same_shades(one: Sequence[Floats], other: Sequence[Floats]) -> bool:
    """Return whether flat areas have the same colour: two swatches of a chart of colours differ in nothing else.

    Where the brightness was changed, Cb and Cr are fitted, and luma counts only in a picture that is mostly flat: there
    another grey cannot be told from another brightness.
    """
    if not _is_brighter(one, other):
        return all(_same_shade(x, y) for x, y in zip(one, other, strict=True))
    fitted = zip(_saturated_as(other, one)[1:], other[1:], strict=True)
    return _same_shade(one[0], other[0], _MOSTLY) and all(_same_shade(x, y) for x, y in fitted)


def _same_shade(x: Floats, y: Floats, least: float = 0.0) -> bool:
    """Return whether most flat blocks of two planes have the same mean; True if fewer than ``least`` are flat."""
    a, b = _blocks(x), _blocks(y)
    flat = np.maximum(a.var((1, 3)), b.var((1, 3))) < _FLAT
    differs = np.abs(a.mean((1, 3)) - b.mean((1, 3)))[flat] > LIMIT_SHADE
    return len(differs) < least * flat.size or bool(np.count_nonzero(differs) <= _FEW * len(differs))


def _is_brighter(one: Sequence[Floats], other: Sequence[Floats]) -> bool:
    return abs(float(one[0].mean() - other[0].mean())) > _BRIGHTER


def _same_colors(one: Sequence[Floats], other: Sequence[Floats], limit: float) -> bool:
    """Return whether Cb and Cr differ by at most ``limit``, fitted if the brightness differs."""
    if _color_difference(one, other) <= limit:
        return True
    return _is_brighter(one, other) and _color_difference(_saturated_as(other, one), other) <= limit


def _color_difference(one: Sequence[Floats], other: Sequence[Floats]) -> float:
    return max(float(_shares(x, y)[0].max()) for x, y in zip(one[1:], other[1:], strict=True))


def _saturated_as(other: Sequence[Floats], one: Sequence[Floats]) -> list[Floats]:
    """Return planes of ``one`` with Cb and Cr multiplied to fit ``other``: brightness changes them alike."""
    x, y = (np.concatenate([plane.ravel() for plane in planes[1:]]) - 128 for planes in (one, other))
    gain = float(x @ y) / max(float(x @ x), 1.0)
    return [one[0], *(128 + gain * (plane - 128) for plane in one[1:])]


def worst_difference(first: Floats, second: Floats) -> tuple[float, float]:
    """Measure the difference of the luma of two pictures, (H, W) each, as they are or fitted in light.

    Returns
    -------
    (float, float)
        Of all blocks the largest share of the local variance; and the share that 97 % of the blocks with structure
        stay below, 0 if these are few.
    """
    shares, active = _shares(first, second)
    if shares.max() > LIMIT_RESIZED:
        x, y = (plane.reshape(first.shape) for plane in fit_light(first.reshape(1, -1), second.reshape(1, -1)))
        fitted = _shares(x, y)
        shares, active = min((shares, active), fitted, key=lambda found: float(found[0].max()))
    enough = np.count_nonzero(active) >= _LEAST_BLOCKS
    return float(shares.max()), float(np.quantile(shares[active], USUAL)) if enough else 0.0


def _shares(x: Floats, y: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Return of each block its share of the variance by which two planes differ, and whether it has structure.

    The blocks lie on two grids, the second shifted by half a block, so that no small change is cut in four.
    """
    from scipy.ndimage import maximum_filter

    shares, active = [], []
    for shift in (0, _BLOCK // 2):
        if min(x.shape) <= shift:
            continue
        blocks = [_blocks(plane[shift:, shift:]) for plane in (x, y, x - y)]
        variance = np.maximum(blocks[0].var((1, 3)), blocks[1].var((1, 3)))
        variance = np.maximum(variance, _NEAR * maximum_filter(variance, 3))
        shares.append(((blocks[2] ** 2).mean((1, 3)) / (variance + _FLOOR)).ravel())
        active.append((variance > _FLOOR).ravel())
    return np.concatenate(shares), np.concatenate(active)


def _blocks(plane: Floats) -> Floats:
    """Return a plane as (rows, 8, columns, 8); a rest at the right and below is repeated to a full block."""
    plane = np.pad(plane, [(0, -length % _BLOCK) for length in plane.shape], mode="edge")
    return plane.reshape(plane.shape[0] // _BLOCK, _BLOCK, plane.shape[1] // _BLOCK, _BLOCK)


def _planes(picture: NDArray[np.uint8], size: tuple[int, int]) -> list[Floats]:
    """Resize to (height, width), and return Y, and Cb and Cr at half of it."""
    luma, *chroma = Image.fromarray(resize(picture, size)).convert("YCbCr").split()
    return [np.asarray(plane, np.float32) for plane in (luma, *(plane.reduce(2) for plane in chroma))]


def _reduced(picture: NDArray[np.uint8], longest: int) -> NDArray[np.uint8]:
    scale = min(1.0, longest / max(picture.shape[:2]))
    size = (max(1, round(picture.shape[0] * scale)), max(1, round(picture.shape[1] * scale)))
    return picture if scale == 1 else resize(picture, size)
