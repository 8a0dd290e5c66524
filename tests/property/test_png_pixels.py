"""Every kind of PNG is read with the pixels of libpng (imagecodecs), to one level of 255, two with alpha."""

import struct
from itertools import product

import imagecodecs
import numpy as np
import pytest

from imgsim.decoding.decode import decode
from imgsim.decoding.depth import levels
from tests.zoo.making import chunk, png

GRAY, RGB, PALETTE, GRAY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6
CHANNELS = {GRAY: 1, RGB: 3, PALETTE: 1, GRAY_ALPHA: 2, RGB_ALPHA: 4}
KINDS = [
    *product((1, 2, 4, 8, 16), [GRAY]),
    *product((8, 16), [RGB, GRAY_ALPHA, RGB_ALPHA]),
    *product((1, 2, 4, 8), [PALETTE]),
]
SIZES = ((1, 1), (3, 5), (8, 8), (13, 21))
PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def packed_row(row: np.ndarray, depth: int) -> bytes:
    if depth == 16:
        return row.astype(">u2").tobytes()
    bits = np.unpackbits(row.reshape(-1, 1).astype(np.uint8), axis=1)[:, 8 - depth :]
    return np.packbits(bits.reshape(-1)).tobytes()


def write(values: np.ndarray, depth: int, color: int, extra: bytes, interlaced: bool) -> bytes:
    height, width, _ = values.shape
    parts = [values[top::down, left::right] for left, top, right, down in PASSES] if interlaced else [values]
    rows = [packed_row(row, depth) for part in parts if part.size for row in part]
    return png(depth, color, rows, (width, height), extra, interlace=int(interlaced))


def by_libpng(data: bytes, values: np.ndarray, depth: int, color: int, key: np.ndarray | None) -> np.ndarray:
    """(H, W, 3) floats in 0..255 over white, from the samples that libpng gives."""
    stored = imagecodecs.png_decode(data)
    stored = stored.reshape(*values.shape[:2], -1)
    unit = stored / np.iinfo(stored.dtype).max
    alpha = unit[..., -1:] if unit.shape[2] in (2, 4) else np.ones((*values.shape[:2], 1))
    colors = unit[..., :1] if unit.shape[2] < 3 else unit[..., :3]
    if key is not None:
        alpha = np.where((values == key).all(axis=2, keepdims=True), 0.0, 1.0)
    return np.broadcast_to((colors * alpha + 1 - alpha) * 255, (*values.shape[:2], 3))


@pytest.mark.parametrize(("depth", "color"), KINDS)
def test_every_kind(depth: int, color: int) -> None:
    random = np.random.default_rng(depth * 7 + color)
    for (height, width), clear, interlaced in product(SIZES, (False, True), (False, True)):
        values = random.integers(0, 2**depth, (height, width, CHANNELS[color]))
        values.flat[:2] = [2**depth - 1, 0][: values.size]  # the whole range
        extra, key = b"", None
        if color == PALETTE:
            extra = chunk(b"PLTE", random.integers(0, 256, (2**depth, 3)).astype(np.uint8).tobytes())
            extra += chunk(b"tRNS", random.integers(0, 256, 2**depth).astype(np.uint8).tobytes()) if clear else b""
        elif clear and color in (GRAY, RGB):
            key = values[-1, -1]
            extra = chunk(b"tRNS", key.astype(">u2").tobytes())
        data = write(values, depth, color, extra, interlaced)
        got = decode(data)
        tolerance = 2 if color in (GRAY_ALPHA, RGB_ALPHA) else 1.01  # colour and alpha are rounded one after the other
        assert np.abs(got - by_libpng(data, values, depth, color, key)).max() <= tolerance, (clear, interlaced, width)


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_only_the_low_bits_of_a_transparent_gray_count(depth: int) -> None:
    values = np.arange(2**depth)[None, :, None] % 2**depth
    data = write(values, depth, GRAY, chunk(b"tRNS", struct.pack(">H", 0xFF00 | 1)), interlaced=False)
    assert decode(data)[0, 1].tolist() == [255, 255, 255]
    assert decode(data)[0, 0].tolist() == [0, 0, 0]


@pytest.mark.parametrize("color", [GRAY, RGB, GRAY_ALPHA, RGB_ALPHA])
@pytest.mark.parametrize("top", [255, 1023, 4095, 4096, 65535])
@pytest.mark.parametrize("interlaced", [False, True])
def test_sixteen_bits_of_small_range(top: int, color: int, interlaced: bool) -> None:
    """Cameras store 10 or 12 bits in 16: at full scale all of them would be black."""
    values = np.random.default_rng(top).integers(0, top + 1, (9, 14, CHANNELS[color]))
    values[0, 0], values[0, 1] = 0, top
    channels = values.shape[2] - (color in (GRAY_ALPHA, RGB_ALPHA))
    values[..., channels:] = 65535
    got = decode(write(values, 16, color, b"", interlaced))
    white = top if top <= 4095 else 65535
    assert np.abs(got - values[..., :channels] * (255 / white)).max() <= 1.01


def test_a_transparent_colour_of_sixteen_bits_is_no_other() -> None:
    values = np.array([[[257, 300, 4000], [257, 300, 4001], [65535, 0, 0]]])
    data = write(values, 16, RGB, chunk(b"tRNS", struct.pack(">3H", 257, 300, 4000)), interlaced=False)
    assert decode(data)[0].tolist() == [[255, 255, 255], [1, 1, 16], [255, 0, 0]]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 255, (0, 255)),
        (7, 256, (0, 1023)),
        (0, 4095, (0, 4095)),
        (0, 4096, (0, 65535)),
        (29_000, 31_000, (29_000, 33_095)),  # a thermal camera
        (29_000, 29_100, (29_000, 29_255)),
        (30_000, 30_000, (0, 65535)),
        (64_000, 65_535, (0, 65535)),  # a scanned blank page
        (0, 0, (0, 65535)),
        (65_535, 65_535, (0, 65535)),
    ],
)
def test_black_and_white_of_sixteen_bits(low: int, high: int, expected: tuple[int, int]) -> None:
    assert levels(low, high) == expected


def of_gamma(gamma: float, extra: bytes = b"") -> bytes:
    return chunk(b"gAMA", round(gamma * 100_000).to_bytes(4, "big")) + extra


@pytest.mark.parametrize("gamma", [1.0, 1 / 1.8, 0.35])
@pytest.mark.parametrize(("depth", "color"), [(8, GRAY), (8, RGB), (8, GRAY_ALPHA), (8, RGB_ALPHA), (4, PALETTE)])
def test_gamma_is_that_of_the_file(gamma: float, depth: int, color: int) -> None:
    values = np.random.default_rng(3).integers(0, 2**depth, (9, 7, CHANNELS[color]))
    values[..., -1] = 2**depth - 1 if color in (GRAY_ALPHA, RGB_ALPHA) else values[..., -1]
    palette = b""
    if color == PALETTE:
        palette = chunk(b"PLTE", np.random.default_rng(4).integers(0, 256, (16, 3)).astype(np.uint8).tobytes())
    plain = decode(write(values, depth, color, palette, interlaced=False))
    got = decode(write(values, depth, color, of_gamma(gamma, palette), interlaced=False))
    assert np.abs(got - 255 * (plain / 255) ** (1 / (2.2 * gamma))).max() <= 0.51


@pytest.mark.parametrize(
    "extra", [of_gamma(0.45455), of_gamma(1, chunk(b"sRGB", b"\0")), of_gamma(0), of_gamma(20_000)]
)
def test_gamma_of_srgb_and_damage_change_nothing(extra: bytes) -> None:
    values = np.random.default_rng(3).integers(0, 256, (9, 7, 3))
    assert (decode(write(values, 8, RGB, extra, interlaced=False)) == values).all()
