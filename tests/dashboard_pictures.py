"""Files that users of the dashboard might send."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import numpy as np
from PIL import Image


def halves(height: int = 80, width: int = 120) -> Image.Image:
    """Left half red, right half blue, with some grain."""
    pixels = np.random.default_rng(1).integers(0, 40, (height, width, 3), np.uint8)
    pixels[:, : width // 2, 0] += 200
    pixels[:, width // 2 :, 2] += 200
    return Image.fromarray(pixels)


def encoded(picture: Image.Image, format: str = "JPEG", **options: object) -> bytes:
    """A picture as the bytes of a file."""
    file = BytesIO()
    picture.save(file, format, **options)
    return file.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few hundred bytes that declares this many pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b"")]
    body = (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(body)
