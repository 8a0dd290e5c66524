"""BMP: palettes of grays, which Pillow leaves out at the wrong depth, and alpha channels that were never filled."""

from PIL import Image, ImagePalette
from PIL.BmpImagePlugin import BmpImageFile

_CORE_HEADER = 12  # bytes; its fields are shorter
_DEPTH = {"1": 1, "L": 8}  # bits a pixel that Pillow assumes when it leaves out a palette of grays


class CheckedBmp(BmpImageFile):
    """Pillow's reader, which keeps a palette of grays unless the pixels have the depth of its mode."""

    def _open(self) -> None:
        super()._open()
        if self.mode not in _DEPTH:
            return
        tile = self.tile[0]
        bits = 8 if tile.codec_name == "bmp_rle" else _bits_per_pixel(self)  # run-length codes unpack to bytes
        if bits != _DEPTH[self.mode]:
            grays = (0, 255) if self.mode == "1" else range(256)
            self.palette = ImagePalette.raw("RGB", bytes(gray for gray in grays for _ in "RGB"))
            self.tile = [tile._replace(args=("P" if bits == 8 else f"P;{bits}", *(tile.args or ())[1:]))]
            self._mode = "P"


def _bits_per_pixel(image: BmpImageFile) -> int:
    assert image.fp is not None
    image.fp.seek(14)
    header = image.fp.read(16)
    start = 10 if header[0] == _CORE_HEADER else 14
    return int.from_bytes(header[start : start + 2], "little")


def without_unused_alpha(image: Image.Image) -> Image.Image:
    """Return a loaded BMP without its alpha channel if that is 0 everywhere: viewers show such a picture opaque."""
    if image.mode == "RGBA" and image.getchannel("A").getextrema() == (0, 0):
        return image.convert("RGB")
    return image
