"""How the files of the zoo are made: a picture, its encodings, and what can be done to them."""

import struct
import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image, ImageCms

WIDTH, HEIGHT = 96, 64
RED, GREEN, BLUE, YELLOW = (200, 30, 30), (30, 180, 60), (40, 60, 190), (230, 200, 40)


@dataclass(frozen=True)
class Good:
    """A file that must be accepted, with these pixels (H, W, 3) but for a mean difference of ``tolerance`` levels."""

    data: bytes
    pixels: np.ndarray
    tolerance: float = 0.0
    name: str = "x.jpg"


@dataclass(frozen=True)
class Bad:
    """A file that must be rejected at this stage, for a reason that matches this expression."""

    data: bytes
    stage: str
    reason: str
    name: str = "x.jpg"


def picture(width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """Four coloured quarters with a soft ramp: every turn and flip shows, and every codec can carry it."""
    pixels = np.empty((height, width, 3), np.uint8)
    middle, center = height // 2, width // 2
    pixels[:middle, :center], pixels[:middle, center:] = RED, GREEN
    pixels[middle:, :center], pixels[middle:, center:] = BLUE, YELLOW
    ramp = np.linspace(0, 20, width)[None, :, None]
    return (pixels + ramp).astype(np.uint8)


def noise(width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """The picture with grain: every part of its file carries data, so that a cut or flip always hits some."""
    grain = np.random.default_rng(0).integers(-25, 26, (height, width, 1))
    return np.clip(picture(width, height) + grain, 0, 255).astype(np.uint8)


def gray(pixels: np.ndarray) -> np.ndarray:
    """(H, W) uint8: ITU-R 601 luma, as every codec makes it."""
    return np.asarray(Image.fromarray(pixels).convert("L"))


def in_rgb(levels: np.ndarray) -> np.ndarray:
    """(H, W) levels to (H, W, 3)."""
    return np.repeat(levels[..., None], 3, axis=2)


def encode(pixels: np.ndarray | Image.Image, kind: str, **options: Any) -> bytes:
    """A file by Pillow."""
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def jpeg(pixels: np.ndarray | Image.Image | None = None, **options: Any) -> bytes:
    """A JPEG that loses next to nothing."""
    pixels = picture() if pixels is None else pixels
    return encode(pixels, "JPEG", **{"quality": 95, "subsampling": 0, **options})


def segment(marker: int, body: bytes) -> bytes:
    """A JPEG segment."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def behind_start(data: bytes, *segments: bytes) -> bytes:
    """A JPEG with segments put before all others."""
    return data[:2] + b"".join(segments) + data[2:]


def replaced(data: bytes, at: int, new: bytes) -> bytes:
    """Bytes with others in their place, from position ``at`` on."""
    return data[:at] + new + data[at + len(new) :]


def chunk(name: bytes, body: bytes, crc: int | None = None) -> bytes:
    """A PNG chunk."""
    check = zlib.crc32(name + body) if crc is None else crc
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", check)


def png(
    depth: int,
    color: int,
    rows: list[bytes],
    size: tuple[int, int] = (WIDTH, HEIGHT),
    extra: bytes = b"",
    end: bytes = chunk(b"IEND", b""),
    interlace: int = 0,
) -> bytes:
    """A PNG written by hand: Pillow cannot write all of them, least of all the wrong ones."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", *size, depth, color, 0, 0, interlace))
    body = chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows)))
    return b"\x89PNG\r\n\x1a\n" + header + extra + body + end


def packed(levels: np.ndarray, depth: int) -> list[bytes]:
    """Rows of (H, W) values below 2 ** depth as a PNG packs them, first pixel in the highest bits."""
    bits = np.unpackbits(levels[..., None].astype(np.uint8), axis=2)[..., 8 - depth :]
    return [np.packbits(row.reshape(-1)).tobytes() for row in bits]


def exif(orientation: int) -> bytes:
    """An EXIF block that says how the camera was held."""
    block = Image.Exif()
    block[0x0112] = orientation
    return block.tobytes()


def stored_turned(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """How a camera held that way stores what is ``pixels`` upright."""
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    image = Image.fromarray(pixels)
    return np.asarray(image.transpose(undo[orientation]) if orientation > 1 else image)


P3_TO_XYZ = np.array([[0.51512, 0.29198, 0.15710], [0.24120, 0.69225, 0.06657], [-0.00105, 0.04189, 0.78407]])
SRGB_TO_XYZ = np.array([[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]])


def wide_profile() -> bytes:
    """A Display P3 profile: sRGB's with the primaries of P3 (adapted to D50, as profiles hold them)."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for i in range(struct.unpack_from(">I", profile, 128)[0]):
        tag, offset, _ = struct.unpack_from(">4sII", profile, 132 + 12 * i)
        if tag in (b"rXYZ", b"gXYZ", b"bXYZ"):
            column = P3_TO_XYZ[:, b"rgb".index(tag[:1])]
            struct.pack_into(">3i", profile, offset + 8, *np.rint(column * 65536).astype(int))
    return bytes(profile)


def p3_to_srgb(pixels: np.ndarray) -> np.ndarray:
    """The same colours in sRGB, by the formulas of IEC 61966-2-1."""
    values = pixels / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear @ P3_TO_XYZ.T @ np.linalg.inv(SRGB_TO_XYZ).T, 0, 1)
    levels = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.rint(levels * 255).astype(np.uint8)


def ycck(pixels: np.ndarray) -> bytes:
    """A JPEG of luminance, chrominance and black, as some programs write what is to be printed."""
    cmyk = np.asarray(Image.fromarray(pixels).convert("CMYK"))
    ycc = np.asarray(Image.fromarray(cmyk[..., :3]).convert("YCbCr"))
    inverted = np.concatenate([255 - ycc, cmyk[..., 3:]], axis=2)  # Pillow inverts all four once more
    data = jpeg(Image.fromarray(inverted, "CMYK"))
    return replaced(data, data.index(b"Adobe") + 11, b"\2")
