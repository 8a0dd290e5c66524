"""From the bytes of one file to an upright RGB array, or the reason why not."""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from io import BytesIO
from typing import NamedTuple

import numpy as np
from PIL import Image

from imgsim.color import apply_profile, to_srgb
from imgsim.errors import ImageError
from imgsim.jpeg import JpegHeader, exif_orientation, parse_jpeg

MAX_PIXELS = 256_000_000
EXTENSIONS = frozenset(
    ("jpg", "jpeg", "jpe", "jfif", "png", "webp", "avif", "gif", "bmp", "tif", "tiff", "heic", "heif")
)

_READERS = {
    "JPEG": ("PIL.JpegImagePlugin", "JpegImageFile"),
    "PNG": ("PIL.PngImagePlugin", "PngImageFile"),
    "WEBP": ("PIL.WebPImagePlugin", "WebPImageFile"),
    "AVIF": ("PIL.AvifImagePlugin", "AvifImageFile"),
    "GIF": ("PIL.GifImagePlugin", "GifImageFile"),
    "BMP": ("PIL.BmpImagePlugin", "BmpImageFile"),
    "TIFF": ("PIL.TiffImagePlugin", "TiffImageFile"),
    "HEIF": ("pillow_heif.as_plugin", "HeifImageFile"),
}
_SIGNATURES = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
)
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1", b"mif2")


class Header(NamedTuple):
    """What a file says about itself before it is decoded."""

    width: int  # pixels, as stored: before the orientation is applied
    height: int
    format: str  # JPEG, PNG, WEBP, AVIF, GIF, BMP, TIFF or HEIF
    orientation: int  # EXIF 1..8, 1 = upright


def probe(data: bytes) -> Header:
    """Read the header of an image file; no pixel is decoded.

    Parameters
    ----------
    data : bytes
        The whole file.

    Returns
    -------
    Header
        Stored width and height in pixels, format, EXIF orientation.

    Raises
    ------
    ImageError
        Stage ``"header"``: not a known image format, a broken header, or more than 256 megapixels.
    """
    kind = _identify(data, "header")
    if kind == "JPEG":
        jpeg = _parse(data, "header")
        return Header(jpeg.width, jpeg.height, kind, jpeg.orientation)
    image = _open(data, kind, "header")
    orientation = _orientation(image, data, kind)
    width, height = image.size
    if kind == "TIFF" and orientation >= 5:  # Pillow reports TIFF sizes after rotation
        width, height = height, width
    return Header(width, height, kind, orientation)


def decode(data: bytes, at_least: tuple[int, int] | None = None) -> np.ndarray:
    """Decode an image file to upright 8-bit sRGB.

    EXIF orientation is applied, colour profiles are converted to sRGB, transparency is laid over
    white, and of an animation the first frame is taken. A truncated or damaged file is an error.

    Parameters
    ----------
    data : bytes
        The whole file.
    at_least : (int, int), optional
        Height and width that the picture will be resized to. A JPEG of at least four times that
        size is decoded at a reduced scale, never to less than twice that size.

    Returns
    -------
    np.ndarray of shape (H, W, 3), uint8
        RGB, contiguous and writable.

    Raises
    ------
    ImageError
        Stage ``"decode"``, with the reason.
    """
    kind = _identify(data, "decode")
    if kind == "JPEG":
        return _decode_jpeg(data, at_least)
    return _decode_by_pillow(data, kind)


def resize(picture: np.ndarray | Image.Image, size: tuple[int, int]) -> np.ndarray:
    """Stretch to ``size`` = (height, width) with antialiased bilinear sampling.

    Parameters
    ----------
    picture : np.ndarray of shape (H, W, 3), uint8, or an RGB PIL image
    size : (int, int)
        Height and width in pixels; the aspect ratio is not kept.

    Returns
    -------
    np.ndarray of shape (height, width, 3), uint8
    """
    height, width = size
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.BILINEAR)
    return np.array(image)


def thumbnail(picture: np.ndarray | Image.Image, longest: int = 160) -> bytes:
    """Shrink so that the longest side has ``longest`` pixels (never enlarged); as JPEG bytes.

    Parameters
    ----------
    picture : np.ndarray of shape (H, W, 3), uint8, or an RGB PIL image
    longest : int
        Pixels of the longest side.

    Returns
    -------
    bytes
        A JPEG file.
    """
    import simplejpeg

    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    scale = min(1.0, longest / max(image.size))
    if scale < 1:
        small = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image = image.resize(small, Image.Resampling.BOX)
    pixels = np.ascontiguousarray(image)
    return bytes(simplejpeg.encode_jpeg(pixels, quality=85, colorsubsampling="420"))


def _identify(data: bytes, stage: str) -> str:
    """Name the format by its first bytes; the file's name plays no part."""
    for signature, kind in _SIGNATURES:
        if data.startswith(signature):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp":
        size = min(max(int.from_bytes(data[:4], "big"), 12), 256)
        brands = [data[8:12], *(data[start : start + 4] for start in range(16, size, 4))]
        if b"avif" in brands or b"avis" in brands:
            return "AVIF"
        if any(brand in _HEIF_BRANDS for brand in brands):
            return "HEIF"
    if not data:
        raise ImageError(stage, "the file is empty")
    if data[:512].lstrip().lower().startswith((b"<!doctype html", b"<html", b"<?xml", b"<svg")):
        raise ImageError(stage, "a text document (HTML, XML or SVG), not a picture made of pixels")
    raise ImageError(stage, f"not an image of a known format (it begins with the bytes {data[:8].hex(' ')})")


def _check_size(width: int, height: int, stage: str) -> None:
    if width < 1 or height < 1:
        raise ImageError(stage, f"its header declares a size of {width} x {height}")
    if width * height > MAX_PIXELS:
        megapixels = width * height / 1e6
        reason = f"its header declares {width} x {height} pixels ({megapixels:,.0f} megapixels); the limit is 256"
        raise ImageError(stage, reason)


def _parse(data: bytes, stage: str) -> JpegHeader:
    try:
        header = parse_jpeg(data)
    except ValueError as error:
        raise ImageError(stage, str(error)) from None
    _check_size(header.width, header.height, stage)
    return header


def _decode_jpeg(data: bytes, at_least: tuple[int, int] | None) -> np.ndarray:
    header = _parse(data, "decode")
    if not header.is_plain:
        return _decode_by_pillow(data, "JPEG")
    mode = _jpeg_mode(header)
    pixels = _turbo_decode(data, header, mode, at_least)
    if pixels is None:
        return _decode_by_pillow(data, "JPEG")
    if mode == "CMYK":
        inks = Image.frombytes("CMYK", pixels.shape[1::-1], (255 - pixels).tobytes())
        pixels = np.array(apply_profile(inks, header.icc))
    elif header.icc is not None:
        pixels = np.array(apply_profile(Image.fromarray(pixels[..., 0] if mode == "GRAY" else pixels), header.icc))
    return upright(pixels, header.orientation)


def _jpeg_mode(header: JpegHeader) -> str:
    """Colour space to ask of libjpeg-turbo; CMYK comes inverted, as Adobe writes it and everybody since."""
    if header.components == 4:
        return "CMYK"
    return "GRAY" if header.components == 1 and header.icc is not None else "RGB"


def _turbo_decode(
    data: bytes, header: JpegHeader, colorspace: str, at_least: tuple[int, int] | None
) -> np.ndarray | None:
    """Decode by libjpeg-turbo, strictly; None when it refuses a file that is not known to be damaged."""
    import simplejpeg

    scale = {}
    if at_least is not None:
        height, width = at_least if header.orientation < 5 else at_least[::-1]
        if header.height >= 4 * height and header.width >= 4 * width:
            scale = {"min_height": 2 * height, "min_width": 2 * width, "min_factor": 2}
    try:
        return np.asarray(simplejpeg.decode_jpeg(data, colorspace, **scale))
    except ValueError as error:
        reason = str(error)
    if "Premature end of JPEG" in reason:
        raise ImageError("decode", "truncated JPEG: the file ends before the picture does")
    if "extraneous bytes before marker 0xd9" in reason:  # padding after the last pixel, written by some cameras
        return np.asarray(simplejpeg.decode_jpeg(data, colorspace, strict=False, **scale))
    if "Corrupt JPEG data" in reason:
        raise ImageError("decode", f"damaged JPEG: {reason.removeprefix('Corrupt JPEG data: ')}")
    return None


def _decode_by_pillow(data: bytes, kind: str) -> np.ndarray:
    image = _open(data, kind, "decode")
    try:
        orientation = 1 if kind == "TIFF" else _orientation(image, data, kind)  # Pillow rotates TIFF itself
        image.load()
        rgb = np.array(to_srgb(image, image.info.get("icc_profile")))
    except Exception as error:  # noqa: BLE001  codecs raise almost anything on damaged input
        raise ImageError("decode", _explain(error, kind)) from None
    return upright(rgb, orientation)


@cache
def _reader(kind: str) -> Callable[[BytesIO], Image.Image]:
    module, name = _READERS[kind]
    reader: Callable[[BytesIO], Image.Image] = getattr(import_module(module), name)
    return reader


def _open(data: bytes, kind: str, stage: str) -> Image.Image:
    """Open with the one reader of this format (no other of Pillow's many parsers ever sees the bytes)."""
    try:
        image = _reader(kind)(BytesIO(data))
    except ImportError:
        if kind != "HEIF":
            raise
        reason = "HEIC pictures need an optional package: pip install imgsim[heic]"
        raise ImageError(stage, reason) from None
    except Exception as error:  # noqa: BLE001  codecs raise almost anything on damaged input
        raise ImageError(stage, _explain(error, kind)) from None
    _check_size(*image.size, stage)
    return image


def _explain(error: Exception, kind: str) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, MemoryError):
        return f"too little memory to decode this {kind}"
    if "truncated" in text.lower():
        return f"truncated {kind}: {text}"
    return f"damaged or unsupported {kind}: {text}"


def _orientation(image: Image.Image, data: bytes, kind: str) -> int:
    """EXIF orientation of an opened image that Pillow has not turned by itself."""
    if kind == "TIFF":
        value = getattr(image, "tag_v2", {}).get(274, 1)
        return value if isinstance(value, int) and 1 <= value <= 8 else 1
    if kind == "HEIF":  # libheif turns the picture
        return 1
    exif = image.info.get("exif") or (_png_exif(data) if kind == "PNG" else b"")
    return exif_orientation(exif) if isinstance(exif, bytes) else 1


def _png_exif(data: bytes) -> bytes:
    """Find the eXIf chunk of a PNG, which may follow the pixels."""
    position = 8
    while position + 8 <= len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        if data[position + 4 : position + 8] == b"eXIf":
            return data[position + 8 : position + 8 + length]
        position += 12 + length
    return b""


def upright(rgb: np.ndarray, orientation: int) -> np.ndarray:
    """Apply an EXIF orientation (1 to 8) to an array (H, W, 3); the result is contiguous."""
    if orientation >= 5:
        rgb = rgb.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        rgb = rgb[:, ::-1]
    if orientation in (3, 4, 7, 8):
        rgb = rgb[::-1]
    return np.ascontiguousarray(rgb)
