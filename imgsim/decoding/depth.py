"""Sample depth: 1-bit, 12-bit, 16-bit, 32-bit and floating-point gray, and 16-bit colour, to 8 bits a sample."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIXTEEN_BITS = ("I;16", "I;16L", "I;16B", "I;16N")
FULL_SCALE = 0xFFFF
NARROW_SCALES = (0xFF, 0x3FF, 0xFFF)  # white of 8, 10 and 12 bits, stored in 16
_STRIP = 8_000_000  # pixels

Values = NDArray[np.number]


def to_eight_bits(image: Image.Image) -> Image.Image:
    """Convert a gray image of 1, 16 or 32 bits or of floats to mode L; return others as they are.

    Parameters
    ----------
    image : PIL.Image.Image
        Any mode. 16 bits are scaled by `scale_sixteen_bits`, 32-bit integers and floats by `stretch`.

    Returns
    -------
    PIL.Image.Image

    Raises
    ------
    ValueError
        A float image holds NaN or infinity.
    """
    if image.mode in SIXTEEN_BITS:
        return scale_sixteen_bits(image)
    if image.mode in ("I", "F"):
        return stretch(image)
    return image.convert("L") if image.mode == "1" else image


def scale_sixteen_bits(image: Image.Image, white: int | None = None) -> Image.Image:
    """Map a 16-bit gray image to mode L; ``white`` is by default chosen by `levels` from the range of its values."""
    low, high = (0, white) if white else levels(*value_range(image))
    return map_values(image, lambda values: scale(values, low, high))


def levels(low: float, high: float) -> tuple[int, int]:
    """Choose black and white of 16-bit samples from their smallest and largest value.

    At full scale values that span less than 4,096 leave at most 17 of 256 levels, so that different
    pictures become one. Values below 4,096 are those of 8, 10 or 12 bits in 16. Other small ranges,
    as of thermal cameras, are scaled by the same widths, from their smallest value; but not within
    4,096 of white, as scanned blank pages are.

    Returns
    -------
    black, white : int
    """
    low, high, widest = int(low), int(high), NARROW_SCALES[-1]
    black = 0 if high <= widest else low
    if not black < high <= black + widest or low >= FULL_SCALE - widest:
        return 0, FULL_SCALE
    return black, black + next(scale for scale in NARROW_SCALES if high - black <= scale)


def scale(values: Values, black: int, white: int) -> Values:
    """Map 16-bit samples linearly to 0..255, rounded to the nearest level."""
    width = white - black
    return ((values.astype(np.uint32) - black) * 510 + width) // (2 * width)


def stretch(image: Image.Image, unsigned: bool = False) -> Image.Image:
    """Map the range of a one-channel image onto mode L: its values have no defined white.

    Parameters
    ----------
    image : PIL.Image.Image
    unsigned : bool
        Read 32-bit integers as unsigned, which Pillow has no mode for.

    Raises
    ------
    ValueError
        A float image holds NaN or infinity.
    """
    low, high = value_range(image, unsigned)
    factor = 255.0 / (high - low) if high > low else 0.0
    return map_values(image, lambda values: np.rint((values.astype(np.float64) - low) * factor), unsigned)


def value_range(image: Image.Image, unsigned: bool = False) -> tuple[float, float]:
    """Return the smallest and the largest value of a one-channel image."""
    low, high = np.inf, -np.inf
    for _, values in _strips(image, unsigned):
        if not np.isfinite(values).all():
            raise ValueError("a floating-point image with NaN or infinite values has no defined grey levels")
        low, high = min(low, values.min().item()), max(high, values.max().item())
    return low, high


def map_values(image: Image.Image, level: Callable[[Values], Values], unsigned: bool = False) -> Image.Image:
    """Map values to mode L by ``level``, some rows at a time: a large picture in 64 bits takes too much memory."""
    gray = Image.new("L", image.size)
    for top, rows in _strips(image, unsigned):
        gray.paste(Image.fromarray(level(rows).astype(np.uint8)), (0, top))
    return gray


def _strips(image: Image.Image, unsigned: bool) -> Iterator[tuple[int, Values]]:
    rows = max(1, _STRIP // image.width)
    for top in range(0, image.height, rows):
        values = np.asarray(image.crop((0, top, image.width, min(image.height, top + rows))))
        yield top, values.view(np.uint32) if unsigned else values
