"""PNGs: every depth and kind of colour, and every way to be damaged.

Each chunk of a PNG has a checksum, so damage in what is needed is always found.
"""

import struct
import zlib

import numpy as np
from PIL import Image

from tests.zoo.making import (
    HEIGHT,
    WIDTH,
    Bad,
    Good,
    chunk,
    encode,
    exif,
    gray,
    in_rgb,
    noise,
    p3_to_srgb,
    packed,
    picture,
    png,
    replaced,
    stored_turned,
    wide_profile,
)


def files() -> dict[str, Good | Bad]:
    """Name to file and outcome."""
    return _depths() | _transparent() | _odd() | _turned() | _damaged() | _bombs()


def _depths() -> dict[str, Good | Bad]:
    scene = picture()
    levels = gray(scene)
    found: dict[str, Good | Bad] = {"8-bit RGB": Good(encode(scene, "PNG"), scene)}
    for depth in (1, 2, 4):
        top = 2**depth - 1
        few = (levels.astype(int) * top // 255).astype(np.uint8)
        shown = in_rgb(np.rint(few * (255 / top)).astype(np.uint8))
        found[f"{depth}-bit gray"] = Good(png(depth, 0, packed(few, depth)), shown)
        colors = np.random.default_rng(depth).integers(0, 256, (2**depth, 3)).astype(np.uint8)
        palette = chunk(b"PLTE", colors.tobytes())
        found[f"{depth}-bit palette"] = Good(png(depth, 3, packed(few, depth), extra=palette), colors[few])
    deep = (levels.astype(int) * 257 + 100).astype(">u2")
    shown = in_rgb(((deep.astype(int) + 128) // 257).astype(np.uint8))
    wide = scene.astype(">u2") * 257
    return found | {
        "8-bit gray": Good(encode(levels, "PNG"), in_rgb(levels)),
        "16-bit gray": Good(png(16, 0, [row.tobytes() for row in deep]), shown),
        "16-bit RGB": Good(png(16, 2, [row.tobytes() for row in wide]), scene),
        "8-bit palette": Good(encode(Image.fromarray(scene).quantize(256), "PNG"), scene, 4),
    }


def _over_white(pixels: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    part = alpha[..., None] / 255
    return np.rint(pixels * part + 255 * (1 - part)).astype(np.uint8)


def _transparent() -> dict[str, Good | Bad]:
    scene = picture()
    alpha = np.tile(np.linspace(0, 255, WIDTH).astype(np.uint8), (HEIGHT, 1))
    rgba, la = np.dstack([scene, alpha]), np.dstack([gray(scene), alpha])
    over, gray_over = _over_white(scene, alpha), _over_white(in_rgb(gray(scene)), alpha)
    plain = Image.fromarray((np.arange(WIDTH * HEIGHT).reshape(HEIGHT, WIDTH) // 24 % 4).astype(np.uint8))
    colors = np.array([[250, 0, 0], [0, 250, 0], [0, 0, 250], [9, 9, 9]], np.uint8)
    plain.putpalette(colors.tobytes())
    at = np.asarray(plain)
    holes = np.array([255, 255, 255, 0], np.uint8)[at]
    partly = np.array([255, 0, 128, 51], np.uint8)
    one_gray = np.where(gray(scene) < 60, 0, gray(scene)).astype(np.uint8)
    through = np.where(one_gray == 0, 0, 255).astype(np.uint8)
    one_color = png(8, 2, [row.tobytes() for row in scene], extra=chunk(b"tRNS", struct.pack(">3H", *scene[0, 0])))
    hole = np.where((scene == scene[0, 0]).all(axis=2), 0, 255).astype(np.uint8)
    gray_key = png(8, 0, [row.tobytes() for row in one_gray], extra=chunk(b"tRNS", b"\0\0"))
    wide_rgba = [np.ascontiguousarray(row).tobytes() for row in rgba.astype(">u2") * 257]
    wide_la = [np.ascontiguousarray(row).tobytes() for row in la.astype(">u2") * 257]
    return {
        "RGB and alpha": Good(encode(rgba, "PNG"), over, 1),
        "gray and alpha": Good(encode(la, "PNG"), gray_over, 1),
        "16-bit RGB and alpha": Good(png(16, 6, wide_rgba), over, 1),
        "16-bit gray and alpha": Good(png(16, 4, wide_la), gray_over, 1),
        "palette, one colour clear": Good(encode(plain, "PNG", transparency=3), _over_white(colors[at], holes)),
        "palette with alpha": Good(
            encode(plain, "PNG", transparency=partly.tobytes()), _over_white(colors[at], partly[at]), 1
        ),
        "one gray clear": Good(gray_key, _over_white(in_rgb(one_gray), through)),
        "one colour clear": Good(one_color, _over_white(scene, hole)),
        "all clear": Good(encode(np.zeros((4, 4, 4), np.uint8), "PNG"), np.full((4, 4, 3), 255, np.uint8)),
    }


def _odd() -> dict[str, Good | Bad]:
    scene, data = picture(), encode(picture(), "PNG")
    tall, wide = np.full((20_000, 1, 3), 70, np.uint8), np.full((1, 20_000, 3), 70, np.uint8)
    frames = [Image.fromarray(picture()), Image.new("RGB", (WIDTH, HEIGHT)), Image.new("RGB", (WIDTH, HEIGHT), "red")]
    note = chunk(b"tEXt", b"Comment\0broken", crc=1)
    return {
        "1 x 1": Good(encode(scene[:1, :1], "PNG"), scene[:1, :1]),
        "1 x 20,000": Good(encode(tall, "PNG"), tall),
        "20,000 x 1": Good(encode(wide, "PNG"), wide),
        "wide gamut": Good(encode(scene, "PNG", icc_profile=wide_profile()), p3_to_srgb(scene), 1),
        "broken profile": Good(encode(scene, "PNG", icc_profile=b"no profile" * 40), scene),
        "animated": Good(encode(frames[0], "PNG", save_all=True, append_images=frames[1:]), scene),
        "bytes behind the end": Good(data + b"trailer" * 9, scene),
        "unknown chunk": Good(data[:33] + chunk(b"zzZz", b"private") + data[33:], scene),
        "note with a bad checksum": Bad(data[:33] + note + data[33:], "header", "checksum"),
        "black": Good(encode(np.zeros((9, 9, 3), np.uint8), "PNG"), np.zeros((9, 9, 3), np.uint8)),
        "interlaced": Good(_interlaced(scene), scene),
        "pixels in many chunks": Good(_in_parts(scene), scene),
    }


def _in_parts(pixels: np.ndarray) -> bytes:
    body = zlib.compress(b"".join(b"\0" + row.tobytes() for row in pixels))
    parts = b"".join(chunk(b"IDAT", body[start : start + 40]) for start in range(0, len(body), 40))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)) + parts + _END


def _interlaced(pixels: np.ndarray) -> bytes:
    """The seven passes of Adam7."""
    starts = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
    parts = [pixels[top::down, left::right] for left, top, right, down in starts]
    return png(8, 2, [np.ascontiguousarray(row).tobytes() for part in parts for row in part], interlace=1)


_END = chunk(b"IEND", b"")


def _turned() -> dict[str, Good | Bad]:
    return {
        f"orientation {value}": Good(encode(stored_turned(picture(), value), "PNG", exif=exif(value)), picture())
        for value in range(1, 9)
    }


def _damaged() -> dict[str, Good | Bad]:
    data = encode(noise(), "PNG")
    pixels = data.index(b"IDAT")
    rows = [row.tobytes() for row in noise()]
    body = zlib.compress(b"".join(b"\0" + row for row in rows))
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0))
    found: dict[str, Good | Bad] = {
        f"cut at {percent} %": Bad(data[: len(data) * percent // 100], "decode", "PNG") for percent in (10, 50, 90, 99)
    }
    return found | {
        "bad checksum of the header": Bad(replaced(data, 29, b"\0\0\0\0"), "header", "PNG"),
        "bad checksum of the pixels": Bad(start + chunk(b"IDAT", body, crc=7) + _END, "decode", "PNG"),
        "flipped byte among the pixels": Bad(replaced(data, len(data) // 2, b"\0\0\0"), "decode", "PNG"),
        "cut behind the signature": Bad(data[:8], "header", "PNG"),
        "cut inside the header": Bad(data[:20], "header", "PNG"),
        "no pixels at all": Bad(start + _END, "decode", "PNG"),
        "empty pixels": Bad(start + chunk(b"IDAT", b"") + _END, "decode", "PNG"),
        "half of its rows": Bad(png(8, 2, rows[: HEIGHT // 2]), "decode", "fewer rows"),
        "half of a palette's rows": Bad(
            png(8, 3, [bytes(WIDTH)] * 9, extra=chunk(b"PLTE", b"\xff" * 9)), "decode", "fewer rows"
        ),
        "without its end mark": Bad(data[:-12], "decode", "no end mark"),
        "pixels that are no zlib stream": Bad(start + chunk(b"IDAT", b"\x55" * 500) + _END, "decode", "PNG"),
        "unknown filter": Bad(
            start + chunk(b"IDAT", zlib.compress(b"\x09" * len(rows[0]) * 99)) + _END, "decode", "PNG"
        ),
        "chunk of four gigabytes": Bad(replaced(data, pixels - 4, b"\xff" * 4), "decode", "PNG"),
        "depth of 3 bits": Bad(png(3, 0, rows), "header", "PNG"),
        "colour type 5": Bad(png(8, 5, rows), "header", "PNG"),
        "palette without colours": Bad(png(8, 3, [bytes(WIDTH)] * HEIGHT), "decode", "PNG"),
        "no size": Bad(png(8, 2, rows, size=(0, HEIGHT)), "header", "header is broken"),
    }


def _bombs() -> dict[str, Good | Bad]:
    many = zlib.compress(bytes(100_000_000), 9)
    note = chunk(b"zTXt", b"Comment\0\0" + many)
    profile = chunk(b"iCCP", b"icc\0\0" + many)
    rows = [row.tobytes() for row in picture()]
    return {
        "bomb: 60,000 x 60,000": Bad(png(8, 2, rows, size=(60_000, 60_000)), "header", "megapixels"),
        "bomb: 2 billion wide": Bad(png(8, 2, rows, size=(2**31 - 1, 1)), "header", "megapixels"),
        "bomb: longer than 100,000": Bad(png(8, 0, rows, size=(1, 200_000)), "header", "limit of a side"),
        "bomb: note of 100 MB": Bad(png(8, 2, rows, extra=note), "header", "PNG"),
        "bomb: profile of 100 MB": Bad(png(8, 2, rows, extra=profile), "header", "PNG"),
        "many more rows than declared": Good(png(8, 2, rows * 50), picture()),
    }
