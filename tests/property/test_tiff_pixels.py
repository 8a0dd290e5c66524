"""Every kind of TIFF is read with the pixels that tifffile reads, to one level of 255, or refused with a reason."""

from dataclasses import dataclass
from io import BytesIO
from itertools import cycle, product
from typing import Any

import numpy as np
import pytest
import tifffile

from imgsim.decoding.decode import decode, probe
from imgsim.errors import ImageError

HEIGHT, WIDTH = 21, 37
ORDERS = "<>"
COMPRESSIONS = (None, "lzw", "zlib", "packbits", "lzma", "zstd")
TILES = (None, (16, 16))
PLANES = ("contig", "separate")
ORIENTATIONS = cycle(range(1, 9))
BIG = cycle((False, False, True))


@dataclass(frozen=True)
class Kind:
    """Samples of one type, and whether such files must be read."""

    dtype: str
    photometric: str
    channels: int = 1
    extra: str | None = None
    read: bool = True

    def __str__(self) -> str:
        return "-".join(str(part) for part in (self.photometric, self.dtype, self.extra) if part)


GRAYS = [
    Kind(dtype, photometric, read=dtype not in ("f2", "f8"))
    for photometric in ("minisblack", "miniswhite")
    for dtype in ("?", "u1", "u2", "i1", "i2", "i4", "f4", "f2", "f8")
]
COLORS = [
    Kind(dtype, photometric, channels, extra, read)
    for dtype, photometric, channels, extra, read in (
        ("u1", "rgb", 3, None, True),
        ("u2", "rgb", 3, None, True),
        ("u1", "rgb", 4, "unassalpha", True),
        ("u1", "rgb", 4, "assocalpha", True),
        ("u1", "rgb", 4, "unspecified", True),
        ("u2", "rgb", 4, "unassalpha", True),
        ("u1", "minisblack", 2, "unassalpha", True),
        ("u1", "minisblack", 2, "assocalpha", True),
        ("u2", "minisblack", 2, "unassalpha", False),
        ("u1", "separated", 4, None, True),
        ("u2", "separated", 4, None, True),
        ("u1", "cielab", 3, None, True),
        ("u2", "cielab", 3, None, False),
        ("u1", "ycbcr", 3, None, True),
        ("u4", "rgb", 3, None, False),
        ("i2", "rgb", 3, None, False),
        ("f4", "rgb", 3, None, False),
    )
]


def samples(kind: Kind) -> np.ndarray:
    """A ramp over the whole range of the samples, another in every channel."""
    ramp = np.add.outer(np.arange(HEIGHT) * 11, np.arange(WIDTH) * 7)
    base = np.stack([(ramp * (channel + 1) + 60 * channel) % 256 for channel in range(kind.channels)], axis=2)
    if kind.extra == "assocalpha":
        base[..., :-1] = base[..., :-1] * base[..., -1:] // 255
    if kind.photometric == "cielab":  # inside of sRGB: no codec clips alike outside
        base = np.stack([80 + ramp % 90, (ramp // 9 % 31 - 15) % 256, (ramp // 7 % 31 - 15) % 256], axis=2)
    if kind.photometric == "ycbcr":
        base = np.stack([80 + ramp % 90, 118 + ramp // 9 % 20, 118 + ramp // 7 % 20], axis=2)
    base = base if kind.channels > 1 else base[..., 0]
    dtype = np.dtype(kind.dtype)
    if dtype.kind == "b":
        return base > 127
    if dtype.kind == "f":
        return (base / 100 - 1).astype(dtype)
    if dtype.kind == "i":
        return ((base - 128) * 256 ** (dtype.itemsize - 1)).astype(dtype)
    return base.astype(dtype) * (np.iinfo(dtype).max // 255)


def has_zstandard() -> bool:
    """Tell if the installed Pillow was built with it."""
    try:
        return decode(write(Kind("u1", "minisblack"), compression="zstd")) is not None
    except ImageError:
        return False


def write(kind: Kind, **options: Any) -> bytes:
    pixels = samples(kind)
    if options.get("planarconfig") == "separate":
        pixels = np.moveaxis(pixels, -1, 0)
    if kind.photometric == "ycbcr":
        options["extratags"] = [*options.get("extratags", []), (530, 3, 2, (1, 1), True)]  # not subsampled
    if kind.extra:
        options["extrasamples"] = (kind.extra,)
    buffer = BytesIO()
    rows = None if options.get("tile") else 5
    tifffile.imwrite(buffer, pixels, photometric=kind.photometric, metadata=None, rowsperstrip=rows, **options)
    return buffer.getvalue()


def shown(kind: Kind, stored: np.ndarray) -> np.ndarray:
    """(H, W, 3) floats in 0..255 of what tifffile has read, by the definitions of TIFF 6.0."""
    values = stored.astype(float)
    unit = (values - values.min()) / np.ptp(values)  # signed and floating-point samples have no defined white
    if stored.dtype.kind == "u":
        unit = values / np.iinfo(stored.dtype).max
    if kind.channels == 1:
        return np.repeat((1 - unit if kind.photometric == "miniswhite" else unit)[..., None] * 255, 3, axis=2)
    if kind.photometric == "separated":
        return (1 - unit[..., :3]) * (1 - unit[..., 3:]) * 255
    if kind.photometric == "cielab":
        return from_lab(values[..., 0] / 2.55, *np.moveaxis(stored.view(np.int8)[..., 1:].astype(float), -1, 0))
    if kind.photometric == "ycbcr":
        luma, blue, red = values[..., 0], values[..., 1] - 128, values[..., 2] - 128
        return np.stack([luma + 1.402 * red, luma - 0.344136 * blue - 0.714136 * red, luma + 1.772 * blue], axis=2)
    colors = unit[..., :3] if kind.photometric == "rgb" else np.repeat(unit[..., :1], 3, axis=2)
    if kind.extra in (None, "unspecified"):
        return colors * 255
    alpha = unit[..., -1:]
    return ((colors if kind.extra == "assocalpha" else colors * alpha) + 1 - alpha) * 255


def from_lab(lightness: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """CIE L*a*b* under D50 to sRGB (CIE 15, and IEC 61966-2-1 adapted by Bradford's method)."""
    y = (lightness + 16) / 116
    cubes = np.stack([y + a / 500, y, y - b / 200], axis=2)
    xyz = np.where(cubes > 6 / 29, cubes**3, 3 * (6 / 29) ** 2 * (cubes - 4 / 29)) * (0.9642, 1, 0.8249)
    matrix = [
        [3.1338561, -1.6168667, -0.4906146],
        [-0.9787684, 1.9161415, 0.033454],
        [0.0719453, -0.2289914, 1.4052427],
    ]
    linear = np.clip(xyz @ np.array(matrix).T, 0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def turned(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Row 0 and column 0 to where TIFF's tag 274 says they belong."""
    pixels = pixels.swapaxes(0, 1) if orientation >= 5 else pixels
    rows, columns = {1: (1, 1), 2: (1, -1), 3: (-1, -1), 4: (-1, 1), 5: (1, 1), 6: (1, -1), 7: (-1, -1), 8: (-1, 1)}[
        orientation
    ]
    return pixels[::rows, ::columns]


def stored_by_tifffile(kind: Kind, data: bytes, planes: str | None) -> np.ndarray:
    with tifffile.TiffFile(BytesIO(data)) as file:
        stored = file.pages[0].asarray()
    return np.moveaxis(stored, 0, -1) if planes == "separate" else stored


def check(kind: Kind, **options: Any) -> bool:
    """Tell if the file was read; fails if it was read wrongly."""
    orientation, big = next(ORIENTATIONS), next(BIG) and options["byteorder"] == "<"
    data = write(kind, extratags=[(274, 3, 1, orientation, True)], bigtiff=big, **options)
    try:
        pixels = decode(data)
    except ImageError as error:
        assert error.stage == "decode"
        assert error.reason.startswith("unsupported TIFF: "), error.reason
        with pytest.raises(ImageError, match="unsupported TIFF"):
            probe(data)
        return False
    header = probe(data)
    assert (header.height, header.width, header.orientation) == (HEIGHT, WIDTH, orientation)
    expected = turned(shown(kind, stored_by_tifffile(kind, data, options.get("planarconfig"))), orientation)
    tolerance = {"cielab": 8.0, "ycbcr": 2.0}.get(kind.photometric, 2.0 if kind.extra else 1.01)
    assert pixels.shape == expected.shape
    assert np.abs(pixels - expected).max() <= tolerance, (kind, options, orientation)
    return True


if not has_zstandard():
    COMPRESSIONS = COMPRESSIONS[:-1]


@pytest.mark.parametrize("kind", GRAYS, ids=str)
def test_gray(kind: Kind) -> None:
    for order, compression, tile in product(ORDERS, COMPRESSIONS, TILES):
        options = {"byteorder": order, "compression": compression, "tile": tile}
        assert check(kind, **options) == kind.read
        if compression not in (None, "packbits") and kind.dtype != "?":
            assert check(kind, predictor=True, **options) == kind.read


@pytest.mark.parametrize("kind", COLORS, ids=str)
def test_colors(kind: Kind) -> None:
    for order, compression, tile, planes in product(ORDERS, COMPRESSIONS, TILES, PLANES):
        options = {"byteorder": order, "compression": compression, "tile": tile, "planarconfig": planes}
        read = check(kind, **options)
        assert read == kind.read or planes == "separate"
        if compression not in (None, "packbits") and np.dtype(kind.dtype).kind == "u" and planes == "contig":
            assert check(kind, predictor=True, **options) == kind.read


@pytest.mark.parametrize(("order", "read"), [("<", True), (">", False)])
def test_unsigned_samples_of_32_bits(order: str, read: bool) -> None:
    """They are stretched, as signed ones are."""
    kind = Kind("u4", "minisblack")
    for compression in COMPRESSIONS:
        data = write(kind, byteorder=order, compression=compression)
        if read:
            values = samples(kind) / (2**32 - 1)
            assert np.abs(decode(data)[..., 0] / 255 - (values - values.min()) / np.ptp(values)).max() < 0.005
        else:
            with pytest.raises(ImageError, match="32 bits, big-endian"):
                decode(data)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
@pytest.mark.parametrize("bits", [2, 3, 4, 6, 10, 12, 14])
def test_packed_gray(bits: int, photometric: str, order: str) -> None:
    dtype = np.uint8 if bits <= 8 else np.uint16
    values = (np.arange(24 * 64).reshape(24, 64) * 37 % 2**bits).astype(dtype)
    buffer = BytesIO()
    tifffile.imwrite(buffer, values, photometric=photometric, bitspersample=bits, byteorder=order, metadata=None)
    data = buffer.getvalue()
    if bits in (2, 4) or (bits == 12 and order == "<"):
        assert np.array_equal(tifffile.imread(BytesIO(data)), values)
        expected = values * (255 / (2**bits - 1))
        assert np.abs(decode(data)[..., 0] - (expected if photometric == "minisblack" else 255 - expected)).max() <= 1
    else:
        with pytest.raises(ImageError, match=rf"unsupported TIFF: 1 unsigned samples of {bits} bits"):
            decode(data)


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("top", [255, 65535])
def test_palette(top: int, order: str, compression: str | None) -> None:
    """Of 16 bits, as TIFF wants it, and of 8 bits, as some programs write it."""
    colors = np.random.default_rng(0).integers(0, top + 1, (3, 256)).astype(np.uint16)
    index = samples(Kind("u1", "palette"))
    buffer = BytesIO()
    tifffile.imwrite(
        buffer, index, photometric="palette", colormap=colors, byteorder=order, compression=compression, metadata=None
    )
    assert np.abs(decode(buffer.getvalue()) - colors.T[index] * (255 / top)).max() <= 1


@pytest.mark.parametrize("photometric", ["rgb", "ycbcr", "minisblack"])
def test_jpeg_inside(photometric: str) -> None:
    ramp = np.add.outer(np.arange(48), np.arange(64))
    pixels = np.stack([ramp + 90, 110 + ramp // 4, 150 - ramp // 4], axis=2).astype(np.uint8)
    pixels = pixels[..., 0] if photometric == "minisblack" else pixels
    for tile, subsampling in product(TILES, [(1, 1), (2, 2), (2, 1)] if photometric == "ycbcr" else [None]):
        buffer = BytesIO()
        options = {"compression": "jpeg", "compressionargs": {"level": 98}, "subsampling": subsampling, "tile": tile}
        tifffile.imwrite(buffer, pixels, photometric=photometric, metadata=None, **options)
        expected = tifffile.imread(BytesIO(buffer.getvalue())).astype(int)
        got = decode(buffer.getvalue())
        assert np.abs(got - (expected if expected.ndim == 3 else expected[..., None])).max() <= 4


def test_big_endian_big_tiff_is_refused() -> None:
    with pytest.raises(ImageError, match="unsupported TIFF: a big-endian BigTIFF"):
        decode(write(Kind("u1", "rgb", 3), byteorder=">", bigtiff=True))


@pytest.mark.parametrize("declared", [True, False])
def test_alpha_of_zeros_counts_only_if_it_is_declared(declared: bool) -> None:
    pixels = np.full((8, 8, 4), (200, 90, 10, 0), np.uint8)
    buffer = BytesIO()
    tifffile.imwrite(buffer, pixels, photometric="rgb", extrasamples=("unassalpha",), metadata=None)
    data = buffer.getvalue()
    if not declared:
        data = data.replace(b"\x52\x01\x03\0\1", b"\x51\x01\x03\0\1")  # ExtraSamples becomes TargetPrinter
    assert decode(data)[0, 0].tolist() == ([255, 255, 255] if declared else [200, 90, 10])


def test_orientation_in_xmp_alone_is_not_applied() -> None:
    xmp = b'<x xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/>'
    kind = Kind("u1", "rgb", 3)
    assert np.array_equal(decode(write(kind, extratags=[(700, 1, len(xmp), xmp, True)])), samples(kind))


def test_no_photometric_interpretation_is_refused() -> None:
    data = write(Kind("u1", "minisblack")).replace(b"\x06\1\3\0\1\0\0\0", b"\x07\1\3\0\1\0\0\0")
    with pytest.raises(ImageError, match="which value is black"):
        decode(data)


def test_first_of_many_pages() -> None:
    pages = np.stack([samples(Kind("u1", "minisblack")) // (page + 1) for page in range(3)])
    buffer = BytesIO()
    tifffile.imwrite(buffer, pages, photometric="minisblack", metadata=None)
    assert np.array_equal(decode(buffer.getvalue())[..., 0], pages[0])
