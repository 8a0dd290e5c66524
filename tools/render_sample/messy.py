"""Faulty files as in real collections: broken, repeated and rotated."""

import io
from pathlib import Path

from PIL import Image

_ORIENTATION = 0x0112
_TURNED_RIGHT = 6
MESSY = ("broken.jpg", "half.jpg", "notes.jpg", "copy.jpg", "reencoded.jpg", "rotated.jpg")
"""Files: empty, truncated, not a picture (all rejected); a copy, the picture encoded again, and rotated by EXIF."""


def add_messy(folder: Path, kinds: tuple[str, ...]) -> None:
    """Put the ``MESSY`` files into the folders of ``kinds``, in turn; each derives from that folder's first picture."""
    for number, name in enumerate(MESSY):
        kind = kinds[number * 5 % len(kinds)]
        data = (folder / kind / f"{kind}_00.jpg").read_bytes()
        (folder / kind / name).write_bytes(_spoil(name, data))


def _spoil(name: str, data: bytes) -> bytes:
    if name == "broken.jpg":
        return b""
    if name == "half.jpg":
        return data[: len(data) // 2]
    if name == "notes.jpg":
        return b"These are notes about the pictures, saved under the wrong name.\n"
    if name == "copy.jpg":
        return data
    picture = Image.open(io.BytesIO(data))
    target = io.BytesIO()
    if name == "reencoded.jpg":
        picture.save(target, "JPEG", quality=70)
    else:
        exif = Image.Exif()
        exif[_ORIENTATION] = _TURNED_RIGHT
        picture.transpose(Image.Transpose.ROTATE_90).save(target, "JPEG", quality=92, exif=exif)
    return target.getvalue()
