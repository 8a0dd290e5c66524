"""Checks of a PNG that Pillow leaves out: checksums, data for every pixel, one transparent gray at any depth."""

import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image
from PIL.ImageFile import ImageFile

from imgsim.decoding.depth import SIXTEEN_BITS, levels, map_values, scale, to_eight_bits, value_range

_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
_PALETTE = 3
_DEPTHS = {"1": 1, "L;2": 2, "L;4": 4}  # bits a sample by Pillow's raw mode
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_BLOCK = 1 << 20
_SRGB_GAMMA = 2.2
_SAME_GAMMA = 0.05
_GAMMAS = (0.01, 100)  # others are damage


def chunks(data: bytes) -> Iterator[tuple[bytes, memoryview, int]]:
    """Yield name, body and checksum of each chunk up to the last whole one; nothing in the file is trusted."""
    view, position = memoryview(data), 8
    while position + 12 <= len(data):
        length, name = struct.unpack_from(">I4s", data, position)
        stop = position + 8 + length
        if stop + 4 > len(data):
            return
        yield name, view[position + 8 : stop], int.from_bytes(view[stop : stop + 4], "big")
        position = stop + 4


def exif_chunk(data: bytes) -> bytes:
    """Return the EXIF block of a PNG, which may follow the pixels; empty if there is none."""
    return next((bytes(body) for name, body, _ in chunks(data) if name == b"eXIf"), b"")


def check_chunks(data: bytes) -> None:
    """Raise ValueError unless the chunks that a picture needs are present, with valid checksums, up to the end mark."""
    found = {b"IHDR": b"", b"PLTE": b"", b"IDAT": b""}
    for name, body, checksum in chunks(data):
        if name == b"IEND":
            break
        if name in found:
            if zlib.crc32(body, zlib.crc32(name)) != checksum:
                raise ValueError(f"damaged PNG: the checksum of a chunk {name.decode()} is wrong")
            found[name] = found[name] or bytes(body[:13])
    else:
        raise ValueError("truncated PNG: it has no end mark")
    if not found[b"IDAT"]:
        raise ValueError("damaged PNG: it holds no pixels")
    if found[b"IHDR"][9] == _PALETTE and not found[b"PLTE"]:
        raise ValueError("damaged PNG: its pixels refer to a palette that it does not hold")


def check_complete(data: bytes) -> None:
    """Raise ValueError if the compressed pixels end before the picture does; decompresses all of them."""
    bodies = [body for name, body, _ in chunks(data) if name in (b"IHDR", b"IDAT")]
    missing = _unpacked_bytes(bytes(bodies[0]))
    unpacker = zlib.decompressobj()
    for body in bodies[1:]:
        rest: bytes | memoryview = body
        while missing > 0 and len(rest) and not unpacker.eof:
            missing -= len(unpacker.decompress(rest, _BLOCK))
            rest = unpacker.unconsumed_tail
    while missing > 0 and not unpacker.eof and (last := unpacker.decompress(unpacker.unconsumed_tail, _BLOCK)):
        missing -= len(last)
    if missing > 0:
        raise ValueError("truncated PNG: it holds fewer rows than it declares")


def gray_depth(image: Image.Image) -> int:
    """Return the bits a sample of a gray PNG that is opened but not loaded; 8 if it is loaded."""
    rawmode = image.tile[0].args if isinstance(image, ImageFile) and image.tile else "L"
    return _DEPTHS.get(rawmode, 8) if isinstance(rawmode, str) else 8


def gamma_exponent(image: Image.Image) -> float | None:
    """Return the exponent that makes a PNG's colours those of sRGB, from its chunk ``gAMA``; None if there is none.

    A colour profile or the chunk ``sRGB`` come first, as the PNG specification says. Differences of less than a
    twentieth are left alone, as libpng does.
    """
    gamma = image.info.get("gamma")
    if image.format != "PNG" or not gamma or not _GAMMAS[0] <= gamma <= _GAMMAS[1]:
        return None
    if "icc_profile" in image.info or "srgb" in image.info:
        return None
    exponent = 1 / (gamma * _SRGB_GAMMA)
    return exponent if abs(exponent - 1) > _SAME_GAMMA else None


def to_eight_bits_png(image: Image.Image, depth: int) -> Image.Image:
    """Convert a loaded PNG to 8 bits a sample; a gray that is declared transparent becomes white.

    Pillow scales gray of 1, 2 and 4 bits (``depth``, see `gray_depth`) to 8, but not its transparent level.
    """
    key = image.info.get("transparency")
    if not isinstance(key, int) or image.mode == "P":
        return to_eight_bits(image)
    if image.mode in SIXTEEN_BITS:
        black, white = levels(*value_range(image))
        return map_values(image, lambda values: np.where(values == key, 255, scale(values, black, white)))
    clear = (key & (2**depth - 1)) * 255 // (2**depth - 1)
    shown = to_eight_bits(image).point([255 if level == clear else level for level in range(256)])
    shown.info.pop("transparency", None)
    return shown


def _unpacked_bytes(header: bytes) -> int:
    """Compute the size in bytes of the decompressed pixels, with the filter byte of each row."""
    width, height, depth, color, _, _, interlace = struct.unpack_from(">IIBBBBB", header)
    passes = _ADAM7 if interlace else ((0, 0, 1, 1),)
    total = 0
    for left, top, step_x, step_y in passes:
        columns, rows = -(-(width - left) // step_x), -(-(height - top) // step_y)
        if columns > 0 and rows > 0:
            total += rows * (1 + (columns * depth * _CHANNELS[color] + 7) // 8)
    return total
