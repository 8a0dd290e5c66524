"""Pillow images, opened from a file or made in memory, to upright 8-bit sRGB."""

import numpy as np
from PIL import Image
from PIL.ImageFile import ImageFile

from imgsim.decoding.color import to_srgb
from imgsim.decoding.decode import decode, load_eight_bits, upright
from imgsim.decoding.formats import FORMATS
from imgsim.decoding.jpeg import exif_orientation
from imgsim.decoding.png import gamma_exponent

_ORIENTATION_TAG = 0x0112


def from_pillow(image: Image.Image) -> np.ndarray:
    """Convert a Pillow image to upright 8-bit sRGB.

    Parameters
    ----------
    image : PIL.Image.Image
        Any mode. Its EXIF orientation is applied. The first frame of a file that is opened and not
        yet loaded is decoded by `decode`, so that it has the pixels of its file; of a loaded one the
        pixels that Pillow has read are taken.

    Returns
    -------
    np.ndarray of shape (H, W, 3), uint8

    Raises
    ------
    ImageError
        Its file cannot be decoded.
    ValueError, OSError
        It cannot be loaded, or is a float image that holds NaN or infinity.
    """
    if (data := _file_not_loaded(image)) is not None:
        return decode(data)
    shown = load_eight_bits(image)
    rgb = np.array(to_srgb(shown, image.info.get("icc_profile"), gamma_exponent(image)))
    exif = image.info.get("exif")
    orientation = exif_orientation(exif) if isinstance(exif, bytes) else image.getexif().get(_ORIENTATION_TAG, 1)
    return upright(rgb, 1 if image.format == "TIFF" else orientation)


def _file_not_loaded(image: Image.Image) -> bytes | None:
    """Return the bytes of an opened file in a known format whose pixels were not loaded yet; else None."""
    if image.format not in (*FORMATS, "MPO") or not isinstance(image, ImageFile) or not image.tile or image.tell():
        return None
    file = image.fp
    if file is None:
        return None
    position = file.tell()
    file.seek(0)
    data = file.read()
    file.seek(position)
    return data
