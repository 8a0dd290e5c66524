"""The other formats, and files that are no pictures at all."""

import struct
import zipfile
from io import BytesIO

import numpy as np
import tifffile
from PIL import Image

from tests.zoo.making import (
    HEIGHT,
    WIDTH,
    Bad,
    Good,
    encode,
    exif,
    gray,
    in_rgb,
    jpeg,
    noise,
    p3_to_srgb,
    picture,
    replaced,
    stored_turned,
    wide_profile,
)

UNKNOWN = "not an image of a known format"


def files() -> dict[str, Good | Bad]:
    """Name to file and outcome."""
    return _strangers() | _misnamed() | _gif() | _webp() | _avif() | _tiff() | _bmp()


def _strangers() -> dict[str, Good | Bad]:
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("x.jpg", jpeg())
    film = struct.pack(">I", 24) + b"ftypmp42\0\0\0\0mp42isom" + bytes(500)
    wave = b"RIFF" + struct.pack("<I", 400) + b"WAVEfmt " + bytes(400)
    return {
        "nothing": Bad(b"", "header", "empty"),
        "one byte": Bad(b"\xff", "header", UNKNOWN),
        "zeros": Bad(bytes(4096), "header", UNKNOWN),
        "noise": Bad(np.random.default_rng(1).bytes(4096), "header", UNKNOWN),
        "text": Bad(b"These are notes about the pictures.\n" * 20, "header", UNKNOWN),
        "HTML": Bad(b"\n <!DOCTYPE html><html><body>404 Not Found</body></html>", "header", "text document"),
        "SVG": Bad(b'<svg xmlns="http://www.w3.org/2000/svg"/>', "header", "text document"),
        "PDF": Bad(b"%PDF-1.7\n1 0 obj\n", "header", "PDF document"),
        "MP4 video": Bad(film, "header", "a video"),
        "QuickTime video": Bad(film.replace(b"mp42", b"qt  "), "header", "a video"),
        "AVI video": Bad(b"RIFF" + struct.pack("<I", 400) + b"AVI LIST" + bytes(400), "header", "a video"),
        "WebM video": Bad(b"\x1aE\xdf\xa3" + bytes(400), "header", "a video"),
        "sound": Bad(wave, "header", UNKNOWN),
        "archive": Bad(archive.getvalue(), "header", UNKNOWN),
        "PostScript": Bad(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "header", UNKNOWN),
        "PPM as text": Bad(b"P3\n1 1\n255\n9 9 9\n", "header", "written as text"),
        "PPM cut": Bad(encode(picture(), "PPM")[:-1], "decode", "truncated PPM", "x.ppm"),
        "PPM": Good(encode(picture(), "PPM"), picture(), 0, "x.ppm"),
        "icon": Bad(encode(picture(), "ICO", sizes=[(16, 16)]), "header", UNKNOWN),
        "JPEG 2000": Bad(b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(200), "header", UNKNOWN),
        "pointer of Git LFS": Bad(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "header", UNKNOWN),
    }


def _misnamed() -> dict[str, Good | Bad]:
    scene = picture()
    return {
        "JPEG named .png": Good(jpeg(), scene, 1, "x.png"),
        "PNG named .jpg": Good(encode(scene, "PNG"), scene, 0, "x.jpg"),
        "WebP named .gif": Good(encode(scene, "WEBP", lossless=True), scene, 0, "x.gif"),
        "GIF named .tiff": Good(encode(scene, "GIF"), scene, 6, "x.tiff"),
        "JPEG named .JFIF": Good(jpeg(), scene, 1, "x.JFIF"),
    }


def _frames(first: np.ndarray) -> list[Image.Image]:
    return [Image.fromarray(first), *(Image.new("RGB", (WIDTH, HEIGHT), color) for color in ("black", "red"))]


def _gif() -> dict[str, Good | Bad]:
    scene = picture()
    first, *rest = _frames(scene)
    data = encode(noise(), "GIF")
    holes = Image.new("P", (8, 8))
    holes.putpalette([250, 0, 0, 0, 0, 250])
    holes.paste(1, (0, 0, 4, 8))
    clear = np.full((8, 8, 3), 255, np.uint8)
    clear[:, 4:] = (250, 0, 0)
    return {
        "GIF": Good(encode(scene, "GIF"), scene, 6, "x.gif"),
        "GIF animated": Good(encode(first, "GIF", save_all=True, append_images=rest), scene, 6, "x.gif"),
        "GIF interlaced": Good(encode(scene, "GIF", interlace=1), scene, 6, "x.gif"),
        "GIF with a clear colour": Good(encode(holes, "GIF", transparency=1), clear, 0, "x.gif"),
        "GIF cut": Bad(data[: len(data) // 2], "decode", "GIF", "x.gif"),
        "GIF cut behind its header": Bad(data[:13], "header", "GIF", "x.gif"),
        "GIF that leaves its size to its frame": Good(replaced(data, 6, bytes(4)), noise(), 12, "x.gif"),
        "GIF whose code ends early": Bad(_half_gif(), "decode", "truncated GIF", "x.gif"),
        "GIF bomb": Bad(replaced(data, 6, b"\xff" * 4), "header", "megapixels", "x.gif"),
        "GIF of noise": Bad(data[:800] + b"\x55" * 900, "decode", "GIF", "x.gif"),
    }


def _half_gif() -> bytes:
    """A frame of full height with the code of half of it."""
    data = encode(Image.fromarray(picture()[: HEIGHT // 2]).quantize(16), "GIF")
    data = replaced(data, data.index(b"\x2c", 13 + 48) + 7, struct.pack("<H", HEIGHT))
    return replaced(data, 8, struct.pack("<H", HEIGHT))


def _webp() -> dict[str, Good | Bad]:
    scene = picture()
    first, *rest = _frames(scene)
    clear = np.dstack([scene, np.full((HEIGHT, WIDTH), 51, np.uint8)])
    faint = np.rint(scene * 0.2 + 255 * 0.8).astype(np.uint8)
    data = encode(noise(), "WEBP", quality=95)
    turned: dict[str, Good | Bad] = {
        f"WebP orientation {value}": Good(
            encode(stored_turned(scene, value), "WEBP", lossless=True, exif=exif(value)), scene, 0, "x.webp"
        )
        for value in (3, 6, 8)
    }
    return turned | {
        "WebP": Good(encode(scene, "WEBP", quality=95), scene, 5, "x.webp"),
        "WebP lossless": Good(encode(scene, "WEBP", lossless=True), scene, 0, "x.webp"),
        "WebP with alpha": Good(encode(clear, "WEBP", lossless=True, exact=True), faint, 1, "x.webp"),
        "WebP animated": Good(
            encode(first, "WEBP", save_all=True, append_images=rest, lossless=True), scene, 0, "x.webp"
        ),
        "WebP wide gamut": Good(
            encode(scene, "WEBP", lossless=True, icc_profile=wide_profile()), p3_to_srgb(scene), 1, "x.webp"
        ),
        "WebP cut": Bad(data[: len(data) // 2], "decode|header", "WEBP", "x.webp"),
        "WebP cut behind its header": Bad(data[:20], "header", "WEBP", "x.webp"),
        "WebP of noise": Bad(data[:40] + b"\x55" * (len(data) - 40), "decode|header", "WEBP", "x.webp"),
    }


def _avif() -> dict[str, Good | Bad]:
    scene, data = picture(), encode(noise(), "AVIF", quality=90)
    first, *rest = _frames(scene)
    return {
        "AVIF": Good(encode(scene, "AVIF", quality=95), scene, 4, "x.avif"),
        "AVIF gray": Good(encode(in_rgb(gray(scene)), "AVIF", quality=95), in_rgb(gray(scene)), 4, "x.avif"),
        "AVIF orientation 6": Good(
            encode(stored_turned(scene, 6), "AVIF", quality=95, exif=exif(6)), scene, 4, "x.avif"
        ),
        "AVIF animated": Good(encode(first, "AVIF", save_all=True, append_images=rest, quality=95), scene, 5, "x.avif"),
        "AVIF cut": Bad(data[: len(data) // 2], "decode|header", "AVIF", "x.avif"),
        "AVIF without its boxes": Bad(data[:32] + bytes(200), "header", "AVIF", "x.avif"),
        "AVIF of noise": Bad(data[: -len(data) // 2] + b"\x55" * 400, "decode|header", "AVIF", "x.avif"),
    }


def _tiff() -> dict[str, Good | Bad]:
    scene, levels = picture(), gray(picture())
    first, *rest = _frames(scene)
    whole = Image.fromarray(levels.astype(np.float32) / 255)
    low, high = int(levels.min()), int(levels.max())
    stretched = in_rgb(np.rint((levels.astype(float) - low) * 255 / (high - low)).astype(np.uint8))
    hole = levels.astype(np.float32)
    hole[3, 3] = np.nan
    black_white = Image.fromarray(levels).convert("1")
    data = encode(noise(), "TIFF")
    packed_data = encode(noise(), "TIFF", compression="tiff_lzw")
    loop = replaced(data, len(data) - 4, data[4:8]) if data[4:8] != b"\x08\0\0\0" else data
    deep = Image.fromarray(levels.astype(np.uint16) * 257)
    return {
        "TIFF": Good(encode(scene, "TIFF"), scene, 0, "x.tif"),
        "TIFF by LZW": Good(encode(scene, "TIFF", compression="tiff_lzw"), scene, 0, "x.tif"),
        "TIFF by deflate": Good(encode(scene, "TIFF", compression="tiff_adobe_deflate"), scene, 0, "x.tif"),
        "TIFF by JPEG": Good(encode(scene, "TIFF", compression="jpeg", quality=95), scene, 4, "x.tif"),
        "TIFF by fax code": Good(
            encode(black_white, "TIFF", compression="group4"), np.asarray(black_white.convert("RGB")), 0, "x.tif"
        ),
        "TIFF of pages": Good(encode(first, "TIFF", save_all=True, append_images=rest), scene, 0, "x.tif"),
        "TIFF big": Good(encode(scene, "TIFF", big_tiff=True), scene, 0, "x.tif"),
        "TIFF of floats": Good(encode(whole, "TIFF"), stretched, 0.6, "x.tif"),
        "TIFF of equal floats": Good(
            encode(Image.new("F", (8, 8), 3.5), "TIFF"), np.zeros((8, 8, 3), np.uint8), 0, "x.tif"
        ),
        "TIFF with a NaN": Bad(encode(Image.fromarray(hole), "TIFF"), "decode", "NaN", "x.tif"),
        "TIFF 16-bit": Good(encode(deep, "TIFF"), in_rgb(levels), 0, "x.tif"),
        "TIFF 16-bit, white is zero": Good(
            tiff(65535 - levels * np.uint16(257), "miniswhite"), in_rgb(levels), 0, "x.tif"
        ),
        "TIFF 12-bit": Good(
            tiff(levels.astype(np.uint16) * 16, "minisblack", bitspersample=12),
            in_rgb(np.rint(levels * (16 * 255 / 4095)).astype(np.uint8)),
            0,
            "x.tif",
        ),
        "TIFF 16-bit of 12 bits": Good(
            tiff(scene.astype(np.uint16) * 16, "rgb", compression="zlib"),
            np.rint(scene * (16 * 255 / 4095)).astype(np.uint8),
            1,
            "x.tif",
        ),
        "TIFF signed": Good(
            tiff((levels.astype(int) - 128).astype(np.int8), "minisblack", byteorder=">", compression="lzw"),
            stretched,
            0.6,
            "x.tif",
        ),
        "TIFF of doubles": Bad(
            tiff(levels.astype(float), "minisblack"), "header", "unsupported TIFF: .* of 64 bits", "x.tif"
        ),
        "TIFF CMYK": Good(encode(Image.fromarray(scene).convert("CMYK"), "TIFF"), scene, 2, "x.tif"),
        "TIFF orientation 6": Good(encode(stored_turned(scene, 6), "TIFF", exif=exif(6)), scene, 0, "x.tif"),
        "TIFF cut": Bad(data[: len(data) // 2], "decode|header", "TIFF", "x.tif"),
        "TIFF by LZW cut": Bad(packed_data[: len(packed_data) // 2], "decode|header", "TIFF", "x.tif"),
        "TIFF without directory": Bad(b"II*\0\xff\xff\xff\x7f" + bytes(40), "header", "TIFF", "x.tif"),
        "TIFF whose pages turn in a circle": Good(loop, noise(), 0, "x.tif"),
        "TIFF bomb": Bad(_tiff_bomb(), "header", "megapixels|TIFF", "x.tif"),
        "TIFF with a tag of four billion values": Bad(_tiff_bomb(tags=2**32 - 1), "header", "TIFF|megapixels", "x.tif"),
    }


def tiff(pixels: np.ndarray, photometric: str, **options: object) -> bytes:
    """A TIFF that Pillow cannot write."""
    buffer = BytesIO()
    tifffile.imwrite(buffer, pixels, photometric=photometric, metadata=None, **options)
    return buffer.getvalue()


def _tiff_bomb(tags: int = 1) -> bytes:
    entries = [(256, 4, tags, 200_000), (257, 4, 1, 200_000), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1)]
    entries += [(273, 4, 1, 8), (277, 3, 1, 1), (278, 4, 1, 200_000), (279, 4, 1, 10)]
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + body + bytes(4)


def _bmp() -> dict[str, Good | Bad]:
    scene, data = picture(), encode(noise(), "BMP")
    height = struct.unpack_from("<i", data, 22)[0]
    return {
        "BMP": Good(encode(scene, "BMP"), scene, 0, "x.bmp"),
        "BMP of one bit": Good(
            encode(Image.fromarray(gray(scene)).convert("1"), "BMP"),
            np.asarray(Image.fromarray(gray(scene)).convert("1").convert("RGB")),
            0,
            "x.bmp",
        ),
        "BMP from top to bottom": Good(replaced(data, 22, struct.pack("<i", -height)), noise()[::-1], 0, "x.bmp"),
        "BMP of two grays in eight bits": Good(
            _two_grays(), np.tile(np.array([[[255] * 3, [0] * 3]]), (8, 4, 1)), 0, "x.bmp"
        ),
        "BMP cut": Bad(data[: len(data) // 2], "decode", "BMP", "x.bmp"),
        "BMP cut in its header": Bad(data[:20], "header", "BMP", "x.bmp"),
        "BMP bomb": Bad(replaced(data, 18, struct.pack("<ii", 300_000, 300_000)), "header", "megapixels", "x.bmp"),
    }


def _two_grays() -> bytes:
    header = struct.pack("<IiiHHIIiiII", 40, 8, 8, 1, 8, 0, 64, 0, 0, 2, 0)
    return b"BM" + struct.pack("<IHHI", 126, 0, 0, 62) + header + b"\0\0\0\0\xff\xff\xff\0" + b"\1\0" * 32


def heic() -> dict[str, Good | Bad]:
    """What only the extra can read; needs its package."""
    import pillow_heif

    buffer = BytesIO()
    pillow_heif.from_pillow(Image.fromarray(picture())).save(buffer, quality=95)
    data = buffer.getvalue()
    return {
        "HEIC": Good(data, picture(), 5, "x.heic"),
        "HEIC cut": Bad(data[: len(data) // 2], "decode|header", "HEIF", "x.heic"),
        "HEIC without its boxes": Bad(data[:32] + bytes(200), "header", "HEIF", "x.heic"),
    }
