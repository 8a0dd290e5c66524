"""Netpbm (PBM, PGM, PPM): samples of any maximum are scaled to 8 bits; Pillow does so one by one, in Python."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PpmImagePlugin import PpmImageFile

_AT_ONCE = 2**22  # samples


class ScaledPpm(PpmImageFile):
    """Pillow's reader of the header, with samples of 8 or 16 bits scaled by their maximum."""

    def load(self) -> Any:
        """Read the pixels.

        Raises
        ------
        OSError
            The file ends before they do.
        """
        if self.tile and self.mode != "1":
            tile, channels = self.tile[0], 3 if self.mode == "RGB" else 1
            maximum = tile.args[1] if isinstance(tile.args, tuple) else 65535 if self.mode == "I" else 255
            assert self.fp is not None
            self.fp.seek(tile.offset)
            width, height = self.size
            data = self.fp.read(width * height * channels * (1 + (maximum > 255)))
            pixels = _scaled(data, width * height * channels, maximum).reshape(height, width, channels)
            loaded = Image.fromarray(pixels if channels == 3 else pixels[..., 0])
            self.im, self._mode, self.tile = loaded.im, loaded.mode, []
        return super().load()


def _scaled(data: bytes, count: int, maximum: int) -> NDArray[np.uint8]:
    samples = np.frombuffer(data[: len(data) // 2 * 2] if maximum > 255 else data, ">u2" if maximum > 255 else "u1")
    if len(samples) < count:
        raise OSError("truncated PPM: the file ends before the picture does")
    if maximum == 255:
        return samples
    values = np.minimum(np.arange(2 ** (8 * samples.itemsize)), maximum)
    scale = ((values * 510 + maximum) // (2 * maximum)).astype(np.uint8)
    pixels = np.empty(count, np.uint8)
    for start in range(0, count, _AT_ONCE):
        pixels[start : start + _AT_ONCE] = scale[samples[start : start + _AT_ONCE]]
    return pixels
