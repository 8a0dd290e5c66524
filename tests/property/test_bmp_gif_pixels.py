"""Every kind of BMP, and GIFs that leave a part uncovered, are read as their definition says, to one level of 255."""

import struct
from itertools import product

import numpy as np
import pytest

from imgsim.decoding.decode import decode
from imgsim.errors import ImageError

HEIGHT, WIDTH = 5, 9
RANDOM = np.random.default_rng(3)
PALETTES = {
    "black and white": [(0, 0, 0), (255, 255, 255)],
    "white and black": [(255, 255, 255), (0, 0, 0)],
    "one colour": [(7, 8, 9)],
    "gray that counts up": [(level, level, level) for level in range(256)],
    "few grays that count up": [(level, level, level) for level in range(16)],
    "colours": [tuple(color) for color in RANDOM.integers(0, 256, (256, 3)).tolist()],
}


def bmp(
    bits: int, body: bytes, colors: bytes = b"", compression: int = 0, masks: bytes = b"", header: int = 40
) -> bytes:
    inside = masks if header > 40 else b""
    start = 14 + header + len(colors) + (len(masks) if header == 40 else 0)
    block = struct.pack(
        "<IiiHHIIiiII", header, WIDTH, HEIGHT, 1, bits, compression, len(body), 0, 0, len(colors) // 4, 0
    )
    block += inside + bytes(header - 40 - len(inside)) + (b"" if inside else masks)
    return b"BM" + struct.pack("<IHHI", start + len(body), 0, 0, start) + block + colors + body


def rows(values: np.ndarray, bits: int) -> bytes:
    """Bottom row first, each filled up to four bytes."""
    lines = []
    for row in values[::-1]:
        packed = np.packbits(np.unpackbits(row[:, None].astype(np.uint8), axis=1)[:, 8 - bits :].reshape(-1)).tobytes()
        lines.append(packed + bytes(-len(packed) % 4))
    return b"".join(lines)


def table(palette: list[tuple[int, ...]]) -> bytes:
    return b"".join(bytes(color[::-1]) + b"\0" for color in palette)


@pytest.mark.parametrize("name", PALETTES)
@pytest.mark.parametrize("bits", [1, 4, 8])
def test_palette(bits: int, name: str) -> None:
    palette = PALETTES[name][: 2**bits]
    values = RANDOM.integers(0, len(palette), (HEIGHT, WIDTH))
    got = decode(bmp(bits, rows(values, bits), table(palette)))
    assert np.array_equal(got, np.array(palette)[values])


@pytest.mark.parametrize("name", PALETTES)
@pytest.mark.parametrize("bits", [4, 8])
def test_run_length_code(bits: int, name: str) -> None:
    palette = PALETTES[name][: 2**bits]
    values = np.repeat(RANDOM.integers(0, len(palette), (HEIGHT, 1)), WIDTH, axis=1)
    twice = 17 if bits == 4 else 1  # two pixels in a byte
    body = b"".join(bytes([WIDTH, row[0] * twice, 0, 0]) for row in values[::-1]) + b"\0\1"
    got = decode(bmp(bits, body, table(palette), compression=2 if bits == 4 else 1))
    assert np.array_equal(got, np.array(palette)[values])


@pytest.mark.parametrize("masks", [None, (0x7C00, 0x3E0, 0x1F), (0xF800, 0x7E0, 0x1F)])
def test_sixteen_bits(masks: tuple[int, int, int] | None) -> None:
    depths = np.array([5, 6, 5] if masks and masks[1] == 0x7E0 else [5, 5, 5])
    values = RANDOM.integers(0, 2**depths, (HEIGHT, WIDTH, 3))
    words = (values[..., 0] << (depths[1] + 5) | values[..., 1] << 5 | values[..., 2]).astype("<u2")
    body = b"".join(row.tobytes() + bytes(-row.nbytes % 4) for row in words[::-1])
    data = bmp(16, body, compression=3 if masks else 0, masks=struct.pack("<3I", *masks) if masks else b"")
    assert np.abs(decode(data) - values * (255 / (2**depths - 1))).max() <= 1


@pytest.mark.parametrize("alpha", ["unused", "opaque", "half"])
@pytest.mark.parametrize("header", [56, 108, 124])
@pytest.mark.parametrize("masks", [(0xFF0000, 0xFF00, 0xFF, 0xFF000000), (0xFF, 0xFF00, 0xFF0000, 0xFF000000)])
def test_alpha(masks: tuple[int, ...], header: int, alpha: str) -> None:
    """An alpha channel that is 0 everywhere was never filled: screenshots and clipboards write such files."""
    values = RANDOM.integers(0, 256, (HEIGHT, WIDTH, 4)).astype(np.uint8)
    values[..., 3] = {"unused": 0, "opaque": 255, "half": 128}[alpha]
    order = [2, 1, 0, 3] if masks[0] == 0xFF0000 else [0, 1, 2, 3]
    data = bmp(32, values[::-1, :, order].tobytes(), compression=3, masks=struct.pack("<4I", *masks), header=header)
    share = 128 / 255 if alpha == "half" else 1
    assert np.abs(decode(data) - (values[..., :3] * share + 255 * (1 - share))).max() <= 1


def test_the_fourth_byte_of_plain_colours_is_no_alpha() -> None:
    values = RANDOM.integers(0, 256, (HEIGHT, WIDTH, 4)).astype(np.uint8)
    assert np.array_equal(decode(bmp(32, values[::-1].tobytes())), values[..., 2::-1])


@pytest.mark.parametrize("masks", [(0x3FF00000, 0xFFC00, 0x3FF), (0xF, 0xF0, 0xF00)])
def test_other_masks_are_refused(masks: tuple[int, int, int]) -> None:
    with pytest.raises(ImageError, match="bitfields layout"):
        decode(bmp(32, bytes(HEIGHT * WIDTH * 4), compression=3, masks=struct.pack("<3I", *masks)))


def gif(index: int, background: int, clear: int | None, local: bool) -> bytes:
    """A frame of 4 x 4 at (2, 2) on a canvas of 8 x 8, of one colour."""
    colors = bytes([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9])
    codes = [code for _ in range(16) for code in (4, index)] + [5]  # each pixel behind a clear code: three bits each
    bits = np.array([code >> bit & 1 for code in codes for bit in range(3)], np.uint8)
    body = np.packbits(bits, bitorder="little").tobytes()
    control = b"" if clear is None else b"\x21\xf9\4\1\0\0" + bytes([clear]) + b"\0"
    screen = struct.pack("<HHBBB", 8, 8, 0 if local else 0x81, background, 0)
    frame = b"\x2c" + struct.pack("<HHHHB", 2, 2, 4, 4, 0x81 if local else 0)
    tables = (b"", colors) if local else (colors, b"")
    return b"GIF89a" + screen + tables[0] + control + frame + tables[1] + bytes([2, len(body)]) + body + b"\0;"


def test_what_the_first_frame_of_a_gif_leaves_uncovered_is_white() -> None:
    """Transparent, as browsers show it, whatever colour the file calls its background."""
    for background, clear, local in product((0, 3), (None, 1, 2), (False, True)):
        expected = np.full((8, 8, 3), 255)
        if clear != 1:
            expected[2:6, 2:6] = (0, 255, 0)
        assert np.array_equal(decode(gif(1, background, clear, local)), expected)
