"""Right colours, right way up, and a reason for everything that cannot be decoded."""

import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import numpy as np
import PIL
import pytest
from packaging.version import Version
from PIL import Image, ImageCms

from imgsim.decoding.color import to_srgb
from imgsim.decoding.decode import decode, probe, resize, thumbnail, upright
from imgsim.errors import ImageError

COLORS = [(200, 30, 30), (30, 180, 60), (40, 60, 190), (230, 200, 40)]


def quarters(width: int = 64, height: int = 48) -> np.ndarray:
    """Four coloured quarters, all different, so that every turn and flip shows."""
    picture = np.empty((height, width, 3), np.uint8)
    middle, center = height // 2, width // 2
    picture[:middle, :center], picture[:middle, center:] = COLORS[0], COLORS[1]
    picture[middle:, :center], picture[middle:, center:] = COLORS[2], COLORS[3]
    return picture


def photo(width: int = 160, height: int = 120) -> np.ndarray:
    """Noise over a gradient: every part of the file carries data."""
    ramp = np.add.outer(np.arange(height), np.arange(width))[..., None] % 200
    return (ramp + np.random.default_rng(0).integers(0, 55, (height, width, 3))).astype(np.uint8)


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png(depth: int, color: int, rows: np.ndarray) -> bytes:
    """PNG file written by hand: Pillow cannot write 16-bit RGB."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", rows.shape[1], rows.shape[0], depth, color, 0, 0, 0)
    body = b"".join(b"\0" + row.tobytes() for row in rows)
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(body)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def distance(a: np.ndarray, b: np.ndarray) -> float:
    assert a.shape == b.shape
    return float(np.abs(a.astype(int) - b.astype(int)).mean())


@pytest.mark.parametrize(
    ("kind", "options", "tolerance"),
    [
        ("JPEG", {"quality": 95, "subsampling": 0}, 2),
        ("JPEG", {"quality": 95, "subsampling": 0, "progressive": True}, 2),
        ("PNG", {}, 0),
        ("WEBP", {"lossless": True}, 0),
        ("AVIF", {"quality": 95}, 4),
        ("GIF", {}, 6),
        ("BMP", {}, 0),
        ("TIFF", {}, 0),
        ("TIFF", {"compression": "tiff_lzw"}, 0),
    ],
)
def test_formats(kind: str, options: dict, tolerance: float) -> None:
    data = encode(Image.fromarray(quarters()), kind, **options)
    rgb = decode(data)
    assert rgb.dtype == np.uint8
    assert rgb.flags.c_contiguous
    assert rgb.flags.writeable
    assert distance(rgb, quarters()) <= tolerance
    assert probe(data) == (64, 48, kind, 1)


def test_heic() -> None:
    plugin = pytest.importorskip("pillow_heif")
    data = BytesIO()
    plugin.from_pillow(Image.fromarray(quarters())).save(data, quality=95)
    assert probe(data.getvalue()) == (64, 48, "HEIF", 1)
    assert distance(decode(data.getvalue()), quarters()) < 5


def test_heic_without_its_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from imgsim.decoding import formats as module

    module._reader.cache_clear()
    monkeypatch.setitem(sys.modules, "pillow_heif.as_plugin", None)
    with pytest.raises(ImageError, match=r'pip install "imgsim-kit\[heic\]"') as caught:
        probe(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64))
    assert caught.value.stage == "header"


@pytest.mark.parametrize("mode", ["L", "LA", "1", "P"])
def test_gray_and_palette_modes(mode: str) -> None:
    black_white = np.zeros((20, 30, 3), np.uint8)
    black_white[:, 15:] = 255
    data = encode(Image.fromarray(black_white).convert(mode), "PNG")
    assert distance(decode(data), black_white) == 0


def test_transparency_lies_over_white() -> None:
    rgba = np.zeros((4, 4, 4), np.uint8)
    rgba[..., 0] = 200
    rgba[:2, :, 3] = 255
    rgba[2:, :, 3] = 51  # a fifth
    rgb = decode(encode(Image.fromarray(rgba), "PNG"))
    assert tuple(rgb[0, 0]) == (200, 0, 0)
    assert np.abs(rgb[3, 3].astype(int) - (244, 204, 204)).max() <= 1


def test_palette_with_transparency() -> None:
    image = Image.new("P", (4, 2))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putdata([0, 0, 1, 1] * 2)
    for options in ({"transparency": 1}, {"transparency": b"\xff\x00"}):
        rgb = decode(encode(image, "PNG", **options))
        assert tuple(rgb[0, 0]) == (255, 0, 0)
        assert tuple(rgb[0, 3]) == (255, 255, 255)


def test_sixteen_bit_gray_is_scaled_not_clipped() -> None:
    values = np.array([[0, 128, 129, 300, 32768, 65535]], ">u2")
    rgb = decode(png(16, 0, values))
    assert rgb[0, :, 0].tolist() == [0, 0, 1, 1, 128, 255]


def test_sixteen_bit_rgb() -> None:
    values = np.array([[[65535, 32768, 0], [257 * 17, 257 * 200, 257 * 3]]], ">u2")
    rgb = decode(png(16, 2, values))
    assert np.abs(rgb.astype(int) - [[[255, 128, 0], [17, 200, 3]]]).max() <= 1


def test_cmyk_jpeg_with_and_without_adobe_marker() -> None:
    plain = encode(Image.fromarray(quarters()).convert("CMYK"), "JPEG", quality=95)
    assert distance(decode(plain), quarters()) < 3
    start = plain.index(b"\xff\xee")  # Adobe marker
    assert distance(decode(plain[:start] + plain[start + 16 :]), quarters()) < 3


def test_ycck_jpeg_agrees_with_pillow() -> None:
    data = bytearray(encode(Image.fromarray(quarters()).convert("CMYK"), "JPEG", quality=95))
    data[data.index(b"Adobe") + 11] = 2  # the same numbers, declared to be YCCK
    expected = np.asarray(Image.open(BytesIO(data)).convert("RGB"))
    assert distance(decode(bytes(data)), expected) < 2


def test_jpeg_stored_as_rgb() -> None:
    data = encode(Image.fromarray(quarters()), "JPEG", quality=95, keep_rgb=True)
    assert distance(decode(data), quarters()) < 2


def swapped_profile() -> bytes:
    """A display profile whose red and green are exchanged: no viewer can miss it."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for i in range(struct.unpack_from(">I", profile, 128)[0]):
        entry = 132 + 12 * i
        name = bytes(profile[entry : entry + 4])
        profile[entry : entry + 4] = {b"rXYZ": b"gXYZ", b"gXYZ": b"rXYZ"}.get(name, name)
    return bytes(profile)


@pytest.mark.parametrize(("kind", "options"), [("JPEG", {"quality": 95, "subsampling": 0}), ("PNG", {}), ("TIFF", {})])
def test_profile_is_converted_to_srgb(kind: str, options: dict) -> None:
    data = encode(Image.fromarray(quarters()), kind, icc_profile=swapped_profile(), **options)
    assert distance(decode(data), quarters()[..., [1, 0, 2]]) < 4


@pytest.mark.parametrize("profile", ["sRGB", "broken", "of another space"])
def test_profile_that_changes_nothing_or_is_no_use(profile: str) -> None:
    icc = {
        "sRGB": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
        "broken": b"not a profile" * 20,
        "of another space": ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes(),
    }[profile]
    data = encode(Image.fromarray(quarters()), "PNG", icc_profile=icc)
    assert distance(decode(data), quarters()) == 0


def test_gray_jpeg_with_a_colour_profile() -> None:
    data = encode(Image.new("L", (16, 16), 90), "JPEG", icc_profile=swapped_profile())
    assert np.abs(decode(data).astype(int) - 90).max() <= 2


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_exif_orientation(kind: str, orientation: int) -> None:
    picture = quarters()
    undo = {6: 8, 8: 6}.get(orientation, orientation)  # how the camera stored it
    stored = Image.fromarray(upright(picture, undo))
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(stored, kind, exif=exif, quality=95)
    rgb = decode(data)
    assert distance(rgb, picture) < 6
    header = probe(data)
    assert (header.width, header.height) == stored.size
    assert header.orientation == orientation


def test_upright_is_what_pillow_does() -> None:
    from PIL import ImageOps

    for orientation in range(1, 9):
        image = Image.fromarray(photo(8, 5))
        image.getexif()[0x0112] = orientation
        assert np.array_equal(upright(photo(8, 5), orientation), np.asarray(ImageOps.exif_transpose(image)))


def test_png_orientation_behind_the_pixels() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encode(Image.fromarray(quarters()), "PNG")
    body = exif.tobytes().removeprefix(b"Exif\0\0")
    chunk = struct.pack(">I", len(body)) + b"eXIf" + body + struct.pack(">I", zlib.crc32(b"eXIf" + body))
    data = data[:-12] + chunk + data[-12:]
    assert probe(data).orientation == 6
    assert decode(data).shape == (64, 48, 3)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF", "AVIF"])
def test_animation_gives_its_first_frame(kind: str) -> None:
    frames = [Image.new("RGB", (16, 16), color) for color in ((250, 0, 0), (0, 250, 0), (0, 0, 250))]
    data = encode(frames[0], kind, save_all=True, append_images=frames[1:])
    assert np.abs(decode(data)[8, 8].astype(int) - (250, 0, 0)).max() <= 8


def test_mpo_counts_as_jpeg() -> None:
    first, second = Image.fromarray(quarters()), Image.new("RGB", (64, 48))
    data = encode(first, "MPO", save_all=True, append_images=[second], quality=95)
    assert probe(data).format == "JPEG"
    assert distance(decode(data), quarters()) < 3


OLD_PILLOW = pytest.mark.skipif(Version(PIL.__version__) < Version("13"), reason="Pillow before 13 refuses it")


@pytest.mark.parametrize("mode", ["LAB", pytest.param("YCbCr", marks=OLD_PILLOW), "RGBX", "CMYK"])
def test_other_colour_spaces_of_tiff(mode: str) -> None:
    image = Image.fromarray(quarters())
    if mode == "LAB":
        lab = ImageCms.createProfile("LAB")
        image = ImageCms.profileToProfile(image, ImageCms.createProfile("sRGB"), lab, outputMode="LAB")
    else:
        image = image.convert(mode)
    assert distance(decode(encode(image, "TIFF")), quarters()) < 3


def test_premultiplied_alpha() -> None:
    image = Image.new("RGBA", (4, 4), (200, 0, 0, 51)).convert("RGBa")
    assert np.abs(np.asarray(to_srgb(image, None)).astype(int) - (244, 204, 204)).max() <= 2


def test_float_tiff_is_stretched_or_refused() -> None:
    values = np.linspace(-2, 6, 64, dtype=np.float32).reshape(8, 8)
    rgb = decode(encode(Image.fromarray(values), "TIFF"))
    assert rgb[0, 0].tolist() == [0, 0, 0]
    assert rgb[-1, -1].tolist() == [255, 255, 255]
    assert decode(encode(Image.fromarray(np.ones((4, 4), np.float32)), "TIFF")).max() == 0
    values[3, 3] = np.nan
    with pytest.raises(ImageError, match="NaN"):
        decode(encode(Image.fromarray(values), "TIFF"))


TRUNCATABLE = {
    "baseline": ("RGB", "JPEG", {}),
    "progressive": ("RGB", "JPEG", {"progressive": True}),
    "gray": ("L", "JPEG", {}),
    "cmyk": ("CMYK", "JPEG", {}),
    "png": ("RGB", "PNG", {}),
    "webp": ("RGB", "WEBP", {}),
    "avif": ("RGB", "AVIF", {}),
    "gif": ("RGB", "GIF", {}),
    "bmp": ("RGB", "BMP", {}),
    "tiff": ("RGB", "TIFF", {}),
    "lzw": ("RGB", "TIFF", {"compression": "tiff_lzw"}),
}


@pytest.mark.parametrize("name", TRUNCATABLE)
@pytest.mark.filterwarnings("ignore:.*(EXIF|Truncated).*:UserWarning")
def test_truncated_files_are_refused(name: str) -> None:
    mode, kind, options = TRUNCATABLE[name]
    data = encode(Image.fromarray(photo()).convert(mode), kind, **options)
    assert decode(data).shape == (120, 160, 3)
    for percent in range(0, 100, 5):
        with pytest.raises(ImageError) as caught:
            decode(data[: len(data) * percent // 100])
        assert caught.value.stage == "decode"


@pytest.mark.parametrize("name", ["baseline", "progressive", "gray", "cmyk"])
@pytest.mark.parametrize("tail", ["end marker", "zeros"])
def test_half_downloaded_jpegs_are_refused(name: str, tail: str) -> None:
    mode, kind, options = TRUNCATABLE[name]
    data = encode(Image.fromarray(photo()).convert(mode), kind, **options)
    for percent in range(5, 100, 5):
        cut = data[: len(data) * percent // 100]
        with pytest.raises(ImageError):
            decode(cut + (b"\xff\xd9" if tail == "end marker" else bytes(len(data) - len(cut))))


def test_truncated_large_jpeg_is_refused_when_decoded_at_a_reduced_scale() -> None:
    data = encode(Image.fromarray(photo(800, 600)), "JPEG")
    assert decode(data, at_least=(64, 64)).shape == (150, 200, 3)
    for percent in range(5, 100, 5):
        with pytest.raises(ImageError):
            decode(data[: len(data) * percent // 100], at_least=(64, 64))


def test_padding_before_the_end_of_a_jpeg_is_harmless() -> None:
    data = encode(Image.fromarray(quarters()), "JPEG", quality=95)
    padded = data[:-2] + bytes(30) + data[-2:]
    assert np.array_equal(decode(padded), decode(data))
    assert np.array_equal(decode(data + b"trailer"), decode(data))


def test_damaged_jpeg_says_so() -> None:
    data = bytearray(encode(Image.fromarray(photo()), "JPEG", quality=95))
    middle = len(data) // 2
    data[middle : middle + 400] = b"\xff\xd8" * 200
    with pytest.raises(ImageError, match="JPEG"):
        decode(bytes(data))


def test_reduced_scale_keeps_twice_the_target() -> None:
    data = encode(Image.fromarray(photo(400, 300)), "JPEG")
    assert decode(data, at_least=(100, 100)).shape == (300, 400, 3)  # less than four times: whole
    assert decode(data, at_least=(75, 75)).shape == (150, 200, 3)
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = encode(Image.fromarray(photo(400, 200)), "JPEG", exif=exif)
    assert decode(turned, at_least=(100, 50)).shape == (200, 100, 3)
    assert decode(turned, at_least=(50, 100)).shape == (400, 200, 3)


def test_bombs_are_refused_before_any_pixel() -> None:
    head = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + head + struct.pack(">I", zlib.crc32(b"IHDR" + head))
    bomb += struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    jpeg = bytearray(encode(Image.new("RGB", (8, 8)), "JPEG"))
    frame = jpeg.index(b"\xff\xc0")
    jpeg[frame + 5 : frame + 9] = struct.pack(">HH", 60_000, 60_000)
    for data in (bomb, bytes(jpeg)):
        with pytest.raises(ImageError, match="megapixels") as caught:
            probe(data)
        assert caught.value.stage == "header"
        with pytest.raises(ImageError, match="megapixels"):
            decode(data)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"hello, this is text", "known format"),
        (b"<!DOCTYPE html><html>404</html>", "text document"),
        (b"\xff\xd8\xff", "truncated"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "truncated"),
        (b"\xff\xd8\xff\xda\x00\x08", "no frame header"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"RIFF\x00\x00\x00\x00WEBP", "WEBP"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "known format"),
    ],
)
def test_reasons(data: bytes, reason: str) -> None:
    with pytest.raises(ImageError, match=reason) as caught:
        probe(data)
    assert caught.value.stage == "header"
    with pytest.raises(ImageError, match=reason) as caught:
        decode(data)
    assert caught.value.stage == "decode"


def test_resize_is_antialiased_and_stretches() -> None:
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    small = resize(stripes, (16, 8))
    assert small.shape == (16, 8, 3)
    assert np.abs(small.astype(int) - 127).max() < 30
    assert np.array_equal(resize(stripes, (64, 64)), stripes)


def test_thumbnail() -> None:
    small = thumbnail(photo(400, 200))
    assert probe(small)[:3] == (160, 80, "JPEG")
    assert probe(thumbnail(photo(40, 20)))[:2] == (40, 20)
    assert probe(thumbnail(photo(2000, 3), 100))[:2] == (100, 1)


def test_threads_agree() -> None:
    data = encode(Image.fromarray(photo()), "JPEG", icc_profile=swapped_profile())
    with ThreadPoolExecutor(8) as pool:
        results = {rgb.tobytes() for rgb in pool.map(decode, [data] * 64)}
    assert len(results) == 1
