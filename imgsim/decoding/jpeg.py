"""JPEG markers: size, coding, EXIF orientation, ICC profile, number of scans; no pixel is decoded."""

import re
import struct
from dataclasses import dataclass

_STANDALONE = frozenset((0x01, *range(0xD0, 0xD9)))
_FRAMES = frozenset(set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC})
_HUFFMAN_FRAMES = (0xC0, 0xC1, 0xC2)  # baseline, extended, progressive
_PROGRESSIVE = 0xC2
_SCAN, _END = 0xDA, 0xD9
_ORIENTATION_TAG = 0x0112
_INTEGERS = {1: "B", 3: "H", 4: "I"}  # EXIF asks for 3, 16 bits; some programs write another
_PROFILE = re.compile(rb"\xff\xe2(?=..ICC_PROFILE\0)", re.DOTALL)
_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")  # in entropy-coded data; no stuffed byte, no restart


@dataclass(frozen=True, slots=True)
class JpegHeader:
    """Properties that the markers before the first scan declare."""

    width: int
    height: int
    components: int
    precision: int
    frame: int  # marker code of the frame: 0xC0 baseline, 0xC2 progressive, ...
    orientation: int
    icc: bytes | None
    scan: int  # position of the first scan's marker

    @property
    def is_plain(self) -> bool:
        """True if libjpeg-turbo decodes it directly: 8 bits, gray, colour or CMYK, Huffman coded."""
        return self.precision == 8 and self.components in (1, 3, 4) and self.frame in _HUFFMAN_FRAMES


def parse_jpeg(data: bytes) -> JpegHeader:
    """Read the markers of ``data`` up to its first scan.

    Raises
    ------
    ValueError
        The markers are broken or end too early; the text says how.
    """
    frame: tuple[int, int, int, int, int] | None = None
    orientation = 1
    profile: list[bytes] = []
    position, size = 2, len(data)
    while True:
        position = data.find(b"\xff", position)
        if position < 0 or position + 4 > size:
            raise ValueError("the file ends inside its header (truncated JPEG)")
        marker = data[position + 1]
        if marker in (0x00, 0xFF) or marker in _STANDALONE:
            position += 1 if marker == 0xFF else 2
            continue
        if marker in (_SCAN, _END):
            break
        (length,) = struct.unpack_from(">H", data, position + 2)
        start, stop = position + 4, position + 2 + length
        if length < 2 or stop > size:
            raise ValueError("the file ends inside its header (truncated or damaged JPEG)")
        if marker in _FRAMES:
            if length < 8:
                raise ValueError("damaged JPEG: its frame header is too short")
            precision, height, width, components = struct.unpack_from(">BHHB", data, start)
            frame = (marker, precision, height, width, components)
        elif marker == 0xE1 and data.startswith(b"Exif\0\0", start) and orientation == 1:
            orientation = exif_orientation(data[start:stop])
        elif marker == 0xE2 and data.startswith(b"ICC_PROFILE\0", start):
            profile.append(data[start + 12 : stop])
        position = stop
    if frame is None:
        raise ValueError("damaged JPEG: no frame header, so no size")
    marker, precision, height, width, components = frame
    if not (width and height):
        raise ValueError(f"damaged JPEG: its header declares a size of {width} x {height}")
    return JpegHeader(width, height, components, precision, marker, orientation, _join_profile(profile), position)


def count_scans(data: bytes, header: JpegHeader) -> int:
    """Count the scans, each of which makes the decoder visit every pixel; a baseline JPEG mostly has one."""
    if header.frame != _PROGRESSIVE and data[header.scan + 4 : header.scan + 5] == bytes([header.components]):
        return 1
    scans, position = 0, header.scan
    while (found := _MARKER.search(data, position)) is not None:
        marker, position = data[found.start() + 1], found.end()
        if marker == _END:
            break
        scans += marker == _SCAN
        if marker not in _STANDALONE:
            position += int.from_bytes(data[position : position + 2], "big")
    return scans


def without_profile(data: bytes, header: JpegHeader) -> bytes:
    """Return the file with its ICC segments turned into comments."""
    return _PROFILE.sub(b"\xff\xfe", data[: header.scan]) + data[header.scan :]


def _join_profile(chunks: list[bytes]) -> bytes | None:
    """Join the chunks of an ICC profile by sequence number; None if there are none or some are missing."""
    chunks = sorted(chunk for chunk in chunks if len(chunk) > 2)
    if [chunk[0] for chunk in chunks] != list(range(1, len(chunks) + 1)):
        return None
    return b"".join(chunk[2:] for chunk in chunks) or None


def exif_orientation(exif: bytes) -> int:
    """Read the orientation tag (1 to 8) of an EXIF block, with or without ``Exif`` prefix; 1 if absent or broken."""
    exif = exif.removeprefix(b"Exif\0\0")
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None:
        return 1
    try:
        (directory,) = struct.unpack_from(order + "I", exif, 4)
        (count,) = struct.unpack_from(order + "H", exif, directory)
        for entry in range(directory + 2, directory + 2 + 12 * count, 12):
            tag, kind, _ = struct.unpack_from(order + "HHI", exif, entry)
            if tag == _ORIENTATION_TAG and kind in _INTEGERS:
                (value,) = struct.unpack_from(order + _INTEGERS[kind], exif, entry + 8)
                return value if 1 <= value <= 8 else 1
    except struct.error:
        pass
    return 1
