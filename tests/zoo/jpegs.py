"""JPEGs: every kind that cameras, printers and faulty downloads produce.

A JPEG that ends before its picture does is refused, wherever it was cut and whatever was put behind the cut; bytes
behind the picture's end are none of ours. A JPEG has no checksum: a flipped bit that leaves its code valid is not seen.
"""

import struct

import numpy as np
from PIL import Image

from tests.zoo.making import (
    HEIGHT,
    WIDTH,
    Bad,
    Good,
    behind_start,
    exif,
    gray,
    in_rgb,
    jpeg,
    noise,
    p3_to_srgb,
    picture,
    replaced,
    segment,
    stored_turned,
    wide_profile,
    ycck,
)

CUT = "truncated|ends inside its header"


def files() -> dict[str, Good | Bad]:
    """Name to file and outcome."""
    return _kinds() | _oddities() | _turned() | _cuts() | _restarts() | _lies()


def _kinds() -> dict[str, Good | Bad]:
    scene, inks = picture(), Image.fromarray(picture()).convert("CMYK")
    printed = jpeg(inks)
    adobe = printed.index(b"\xff\xee")
    levels = in_rgb(gray(scene))
    return {
        "baseline": Good(jpeg(), scene, 1),
        "chroma subsampled": Good(jpeg(subsampling=2), scene, 4),
        "chroma subsampled in one direction": Good(jpeg(subsampling=1), scene, 4),
        "progressive": Good(jpeg(progressive=True), scene, 1),
        "optimised tables": Good(jpeg(optimize=True), scene, 1),
        "gray": Good(jpeg(gray(scene)), levels, 1),
        "gray progressive": Good(jpeg(gray(scene), progressive=True), levels, 1),
        "stored as RGB": Good(jpeg(keep_rgb=True), scene, 1),
        "CMYK": Good(printed, scene, 2),
        "CMYK without the Adobe marker": Good(printed[:adobe] + printed[adobe + 16 :], scene, 2),
        "YCCK": Good(ycck(scene), scene, 2),
        "wide gamut": Good(jpeg(icc_profile=wide_profile()), p3_to_srgb(scene), 2),
        "broken profile": Good(jpeg(icc_profile=b"no profile" * 40), scene, 1),
        "first of a profile's two parts": Good(_half_profile(), scene, 1),
        "restart markers": Good(jpeg(restart_marker_blocks=2), scene, 1),
        "1 x 1": Good(jpeg(np.full((1, 1, 3), 90, np.uint8)), np.full((1, 1, 3), 90, np.uint8), 1),
        "odd size": Good(jpeg(picture(17, 9)), picture(17, 9), 2),
    }


def _half_profile() -> bytes:
    return behind_start(jpeg(), segment(0xE2, b"ICC_PROFILE\0\1\2" + wide_profile()[:300]))


def _oddities() -> dict[str, Good | Bad]:
    """Strange but whole."""
    data, scene = jpeg(), picture()
    thumbnail = jpeg(picture(16, 8))
    film = struct.pack(">I", 24) + b"ftypmp42" + bytes(4000) + b"\xff\xda\xff\xd9" * 50
    return {
        "bytes behind the end": Good(data + b"trailer", scene, 1),
        "motion photo": Good(data + film, scene, 1),
        "second picture behind": Good(data + jpeg(np.zeros((8, 8, 3), np.uint8)), scene, 1),
        "padding before the end": Good(data[:-2] + bytes(64) + data[-2:], scene, 1),
        "fill bytes between markers": Good(data[:2] + b"\xff" * 9 + data[2:], scene, 1),
        "thumbnail inside": Good(behind_start(data, segment(0xE1, b"Exif\0\0" + thumbnail)), scene, 1),
        "comment of 65,000 bytes": Good(behind_start(data, segment(0xFE, b"x" * 65_000)), scene, 1),
        "EXIF that is nonsense": Good(behind_start(data, segment(0xE1, b"Exif\0\0MM\0*\xff\xff\xff\xff")), scene, 1),
        "EXIF orientation 9": Good(jpeg(exif=exif(9)), scene, 1),
        "codes left to the standard's": Good(data.replace(b"\xff\xc4", b"\xff\xfe"), scene, 1),
        "EXIF that points to itself": Good(behind_start(data, segment(0xE1, _loop())), scene, 1),
    }


def _loop() -> bytes:
    return b"Exif\0\0MM\0*\0\0\0\x08\0\1\x87\x69\0\4\0\0\0\1\0\0\0\x08\0\0\0\x08"


def _turned() -> dict[str, Good | Bad]:
    return {
        f"orientation {value}": Good(jpeg(stored_turned(picture(), value), exif=exif(value)), picture(), 1)
        for value in range(1, 9)
    }


def _cuts() -> dict[str, Good | Bad]:
    found: dict[str, Good | Bad] = {}
    for kind, data in (("baseline", jpeg(noise())), ("progressive", jpeg(noise(), progressive=True))):
        for percent in range(5, 100, 5):
            cut = data[: len(data) * percent // 100]
            stage = "decode" if b"\xff\xda" in cut[:-4] else "header"
            found[f"{kind} cut at {percent} %"] = Bad(cut, stage, CUT)
    data = jpeg(noise())
    half = data[: len(data) // 2]
    return found | {
        "half, then zeros": Bad(half + bytes(len(half)), "decode", "JPEG"),
        "half, then an end marker": Bad(half + b"\xff\xd9", "decode", "truncated|damaged"),
        "half, then another half": Bad(half + data[:300], "decode", "truncated|damaged"),
        "without its end marker": Bad(data[:-2], "decode", CUT),
        "only its first bytes": Bad(data[:3], "header", CUT),
        "header without pixels": Bad(data[: data.index(b"\xff\xda")], "header", CUT),
        "tables only": Bad(b"\xff\xd8\xff\xd9" + bytes(20), "header", "no frame header"),
    }


def _restarts() -> dict[str, Good | Bad]:
    data = jpeg(noise(), restart_marker_blocks=2)
    first, third = data.index(b"\xff\xd0"), data.index(b"\xff\xd2")
    interval = data.index(b"\xff\xdd")
    return {
        "restart markers exchanged": Bad(
            replaced(replaced(data, first, b"\xff\xd2"), third, b"\xff\xd0"), "decode", "damaged JPEG"
        ),
        "restart marker lost": Bad(data[:first] + data[first + 2 :], "decode", "damaged JPEG"),
        "restart marker out of nowhere": Bad(
            replaced(jpeg(noise()), len(jpeg(noise())) // 2, b"\xff\xd3"), "decode", "damaged JPEG|truncated"
        ),
        "restart interval wrong": Bad(replaced(data, interval + 4, b"\0\5"), "decode", "damaged JPEG"),
    }


def _lies() -> dict[str, Good | Bad]:
    """Headers that say what is not so."""
    data = jpeg(noise())
    frame = data.index(b"\xff\xc0")
    size = frame + 5
    many = jpeg(noise(), progressive=True)
    last = many.rindex(b"\xff\xc4", 0, many.rindex(b"\xff\xda"))
    scan = many[last:-2]
    huge = replaced(many, many.index(b"\xff\xc2") + 5, struct.pack(">HH", 15_000, 15_000))
    return {
        "12 bits": Bad(replaced(data, frame + 4, b"\x0c"), "decode", "JPEG"),
        "lossless JPEG": Bad(replaced(data, frame + 1, b"\xc3"), "decode", "JPEG"),
        "no width": Bad(replaced(data, size + 2, b"\0\0"), "header", "declares a size"),
        "no height": Bad(replaced(data, size, b"\0\0"), "header", "declares a size"),
        "65,535 x 65,535": Bad(replaced(data, size, b"\xff" * 4), "header", "megapixels"),
        "twice its height": Bad(replaced(data, size, struct.pack(">H", 2 * HEIGHT)), "decode", "damaged"),
        "twice its width": Bad(replaced(data, size + 2, struct.pack(">H", 2 * WIDTH)), "decode", "damaged"),
        "two components": Bad(replaced(data, frame + 9, b"\2"), "decode", "JPEG"),
        "segment longer than the file": Bad(behind_start(data, b"\xff\xe5\xff\xff"), "header", "ends inside"),
        "a thousand scans": Bad(huge[:-2] + scan * 1000 + huge[-2:], "decode", "would take too long"),
        "noise for pixels": Bad(
            data[: data.index(b"\xff\xda")] + b"\xff\xda\x00\x0c" + b"\x5a" * 900 + b"\xff\xd9", "decode", "JPEG"
        ),
    }
