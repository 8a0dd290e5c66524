"""One file has the same pixels on every path: whole, at a reduced scale, in strips, by Pillow, as a network's input.

JPEG differs by what libjpeg's faster transforms and its reduced scale round off; all others by one level.
"""

from importlib.util import find_spec
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

import imgsim
from imgsim.decoding import decode as module
from imgsim.decoding.decode import decode, probe, resize, thumbnail
from imgsim.decoding.from_pillow import from_pillow
from imgsim.features.compute import image_pixels
from tests.zoo import jpegs, others, pngs
from tests.zoo.making import Good, encode, exif, jpeg, picture, png, stored_turned

SMALL = (24, 24)
SCALED = 10.0  # the last row and column of blocks may be narrower than the others, which moves the edge a little


def scene(width: int = 480, height: int = 320) -> np.ndarray:
    """Soft waves, another in each channel: little is lost by scaling."""
    y, x = np.mgrid[:height, :width]
    return np.stack([128 + 100 * np.sin(x / 70 + i) * np.cos(y / (50 + 9 * i)) for i in range(3)], axis=2).astype(
        np.uint8
    )


def files() -> dict[str, bytes]:
    image, alpha = scene(), np.linspace(60, 255, 480).astype(np.uint8)
    gray = image[..., 0]
    rgba = np.dstack([image, np.broadcast_to(alpha, gray.shape)])
    deep = Image.fromarray(gray.astype(np.uint16) * 257)
    dark = [row.astype(">u2").tobytes() for row in gray.astype(np.uint16) * 16]
    found = {
        "JPEG": jpeg(image),
        "JPEG progressive": jpeg(image, progressive=True),
        "JPEG gray": jpeg(gray),
        "JPEG CMYK": jpeg(Image.fromarray(image).convert("CMYK")),
        "PNG": encode(image, "PNG"),
        "PNG 12 bits in 16": png(16, 0, dark, (480, 320)),
        "PNG palette": encode(Image.fromarray(image).quantize(64), "PNG"),
        "TIFF of 16 bits": encode(deep, "TIFF", compression="tiff_lzw"),
        "TIFF of floats": encode(Image.fromarray(gray.astype(np.float32)), "TIFF"),
        "TIFF CMYK": encode(Image.fromarray(image).convert("CMYK"), "TIFF"),
        "BMP": encode(image, "BMP"),
        "GIF": encode(image, "GIF"),
        "WEBP": encode(image, "WEBP", quality=95),
    }
    found |= {f"{kind} with alpha": encode(rgba, kind) for kind in ("PNG", "TIFF", "WEBP", "AVIF")}
    for kind, orientation in (("JPEG", 6), ("PNG", 8), ("WEBP", 5), ("TIFF", 7), ("AVIF", 3)):
        turned = stored_turned(image, orientation)
        found[f"{kind} turned"] = encode(turned, kind, exif=exif(orientation), quality=95)
    return found


FILES = files()
ZOO = {
    f"{kind}: {name}": file.data
    for kind, made in (("JPEG", jpegs.files()), ("PNG", pngs.files()), ("other", others.files()))
    for name, file in made.items()
    if isinstance(file, Good)
}


READ_WRONGLY_BY_PILLOW = ("other: TIFF 16-bit of 12 bits", "other: BMP of two grays in eight bits")


def tolerance(data: bytes) -> float:
    return 6.0 if probe(data).format == "JPEG" else 1.0


def same(a: np.ndarray, b: np.ndarray, most: float) -> None:
    assert a.shape == b.shape
    assert np.abs(a.astype(int) - b).max() <= most


@pytest.mark.parametrize("name", FILES)
def test_at_a_reduced_scale(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A JPEG by libjpeg's own scaling, others above the limit strip by strip."""
    whole = resize(decode(FILES[name]), SMALL)
    monkeypatch.setattr(module, "LARGE", 1000)
    monkeypatch.setattr(module, "STRIP", 20_000)
    same(resize(decode(FILES[name], SMALL), SMALL), whole, SCALED)


@pytest.mark.parametrize("name", FILES)
def test_as_the_input_of_a_network_and_as_its_thumbnail(name: str) -> None:
    spec = imgsim.get_backbone("mini").spec
    shown, pixels = image_pixels(FILES[name], spec)
    whole = decode(FILES[name])
    same(pixels, resize(whole, (spec.height, spec.width)), 6.0)
    same(decode(thumbnail(shown)), decode(thumbnail(whole)), 12.0)  # JPEGs both


@pytest.mark.parametrize("name", FILES)
def test_the_header_has_the_size(name: str) -> None:
    header, (height, width, _) = probe(FILES[name]), decode(FILES[name]).shape
    assert (header.height, header.width) == ((width, height) if header.orientation >= 5 else (height, width))


@pytest.mark.parametrize("name", [*FILES, *ZOO])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_opened_by_pillow(name: str) -> None:
    """Not yet loaded, exactly; loaded, as Pillow reads it."""
    data = (FILES | ZOO)[name]
    whole = decode(data)
    try:
        opened = Image.open(BytesIO(data))
    except (OSError, SyntaxError):  # a TIFF that Pillow alone does not read
        return
    with opened as image:
        same(from_pillow(image), whole, 0)
        same(from_pillow(image), whole, 0)
        image.load()
        if name not in READ_WRONGLY_BY_PILLOW:
            same(from_pillow(image), whole, tolerance(data))


@pytest.mark.skipif(find_spec("pillow_heif") is None, reason="needs pillow-heif")
def test_heic_at_a_reduced_scale(monkeypatch: pytest.MonkeyPatch) -> None:
    import pillow_heif

    buffer = BytesIO()
    pillow_heif.from_pillow(Image.fromarray(scene())).save(buffer, quality=95)
    whole = resize(decode(buffer.getvalue()), SMALL)
    monkeypatch.setattr(module, "LARGE", 1000)
    same(resize(decode(buffer.getvalue(), SMALL), SMALL), whole, SCALED)


def test_an_array_is_its_file() -> None:
    pixels = picture()
    same(from_pillow(Image.fromarray(pixels)), decode(encode(pixels, "PNG")), 0)
