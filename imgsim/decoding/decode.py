"""Decoding of one file: header, upright RGB array, resizing, thumbnail; damage raises `ImageError` with the reason."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from ctypes import CDLL
from functools import partial
from threading import Lock
from typing import NamedTuple

import numpy as np
from PIL import Image

from imgsim.decoding.bmp import without_unused_alpha
from imgsim.decoding.color import apply_profile, to_srgb
from imgsim.decoding.deep_color import has_deep_colors, load_lower_bytes, merge_bytes, needs_lower_bytes
from imgsim.decoding.depth import to_eight_bits
from imgsim.decoding.formats import MAX_MEGAPIXELS_ELSE, MEGAPIXEL, check_size, identify, open_image, refusal
from imgsim.decoding.gif import load_first_frame
from imgsim.decoding.jpeg import JpegHeader, count_scans, exif_orientation, parse_jpeg, without_profile
from imgsim.decoding.png import check_chunks, check_complete, exif_chunk, gamma_exponent, gray_depth, to_eight_bits_png
from imgsim.decoding.tiff import to_eight_bits_tiff
from imgsim.errors import ImageError

LARGE = 32 * MEGAPIXEL  # pixels above which pictures are decoded one at a time, and reduced strip by strip if not JPEG
STRIP = 8 * MEGAPIXEL
MAX_SCAN_PIXELS = 12 * MAX_MEGAPIXELS_ELSE * MEGAPIXEL  # every scan of a JPEG visits every pixel: about 6 s
_one_large = Lock()


class Header(NamedTuple):
    """Properties of an image file that its header declares, without decoding pixels."""

    width: int  # pixels, as stored: before the orientation is applied
    height: int
    format: str  # JPEG, PNG, WEBP, AVIF, GIF, BMP, TIFF, HEIF or PPM
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
        Stage ``"header"``: not a known image format, a broken header, or a refused size
        (`imgsim.decoding.formats.check_size`).
    """
    kind = identify(data, "header")
    if kind == "JPEG":
        jpeg = _parse(data, "header")
        return Header(jpeg.width, jpeg.height, kind, jpeg.orientation)
    image = open_image(data, kind, "header")
    orientation = _orientation(image, data, kind)
    width, height = image.size
    if kind == "TIFF" and orientation >= 5:  # Pillow reports TIFF sizes after rotation
        width, height = height, width
    return Header(width, height, kind, orientation)


def decode(data: bytes, at_least: tuple[int, int] | None = None) -> np.ndarray:
    """Decode an image file to upright 8-bit sRGB.

    EXIF orientation is applied, colour profiles are converted to sRGB, transparency is laid over
    white, and of an animation the first frame is taken. A truncated or damaged file is an error.
    With ``at_least`` one picture takes at most 2 GiB besides its bytes, and half a GiB up to 32
    megapixels; larger ones are decoded one at a time, however many threads ask.

    Parameters
    ----------
    data : bytes
        The whole file.
    at_least : (int, int), optional
        Height and width that the picture will be resized to. A JPEG of at least four times that
        size, and any other picture above 32 megapixels, is decoded at a reduced scale, never to
        less than twice that size.

    Returns
    -------
    np.ndarray of shape (H, W, 3), uint8
        RGB, contiguous and writable.

    Raises
    ------
    ImageError
        Stage ``"decode"``, with the reason; stage ``"read"`` if not the file but the state of the
        machine is to blame, such as too little memory.
    """
    kind = identify(data, "decode")
    if kind != "JPEG":
        return _decode_by_pillow(data, kind, at_least)
    try:
        return _decode_jpeg(data, at_least)
    except MemoryError as error:
        raise refusal(error, kind, "decode") from None


def resize(picture: np.ndarray | Image.Image, size: tuple[int, int]) -> np.ndarray:
    """Resize to ``size`` = (height, width) by antialiased bilinear sampling.

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
    """Encode a JPEG thumbnail whose longest side has ``longest`` pixels; small pictures are not enlarged.

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


def _parse(data: bytes, stage: str) -> JpegHeader:
    try:
        header = parse_jpeg(data)
    except ValueError as error:
        raise ImageError(stage, str(error)) from None
    check_size(header.width, header.height, "JPEG", stage)
    return header


@contextmanager
def _one_at_a_time(pixels: int) -> Iterator[None]:
    """Hold a lock while a picture of more than `LARGE` pixels is decoded, since memory may not do for several."""
    if pixels <= LARGE:
        yield
        return
    with _one_large:
        try:
            yield
        finally:
            with suppress(AttributeError, TypeError):  # glibc would keep the freed memory in this thread's arena
                CDLL(None).malloc_trim(0)


def _decode_jpeg(data: bytes, at_least: tuple[int, int] | None) -> np.ndarray:
    header = _parse(data, "decode")
    size = header.width * header.height
    scans = count_scans(data, header)
    if scans * size > MAX_SCAN_PIXELS:
        reason = f"its {scans} scans over {size / MEGAPIXEL:,.0f} megapixels would take too long"
        raise ImageError("decode", f"{reason}; save it again as a plain JPEG")
    pixels = None
    if header.is_plain:
        mode = _jpeg_mode(header)
        with _one_at_a_time(size):
            pixels = _turbo_decode(data, header, mode, at_least)
    if pixels is None:
        return _decode_by_pillow(data, "JPEG", at_least)
    if mode == "CMYK":
        inks = Image.frombytes("CMYK", pixels.shape[1::-1], (255 - pixels).tobytes())
        pixels = np.array(apply_profile(inks, header.icc))
    elif header.icc is not None:
        pixels = np.array(apply_profile(Image.fromarray(pixels[..., 0] if mode == "GRAY" else pixels), header.icc))
    return upright(pixels, header.orientation)


def _jpeg_mode(header: JpegHeader) -> str:
    """Return the colour space to ask of libjpeg-turbo; CMYK comes inverted, the convention that Adobe set."""
    if header.components == 4:
        return "CMYK"
    return "GRAY" if header.components == 1 and header.icc is not None else "RGB"


def _turbo_decode(
    data: bytes, header: JpegHeader, colorspace: str, at_least: tuple[int, int] | None
) -> np.ndarray | None:
    """Decode by libjpeg-turbo in strict mode; None if it refuses a file for another reason than damage."""
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
    if "bad ICC marker" in reason:  # a part of its profile is missing; the picture may be whole
        return _turbo_decode(without_profile(data, header), header, colorspace, at_least)
    if "Corrupt JPEG data" in reason:
        raise ImageError("decode", f"damaged JPEG: {reason.removeprefix('Corrupt JPEG data: ')}")
    return None


def _decode_by_pillow(data: bytes, kind: str, at_least: tuple[int, int] | None) -> np.ndarray:
    image = open_image(data, kind, "decode")
    with _one_at_a_time(image.width * image.height):
        try:
            return _load(image, data, kind, at_least)
        except Exception as error:  # noqa: BLE001  codecs raise almost anything on damaged input
            raise refusal(error, kind, "decode") from None
        finally:
            image.close()  # frees its pixels before the next large one, and even if a traceback refers to it


def _load(image: Image.Image, data: bytes, kind: str, at_least: tuple[int, int] | None) -> np.ndarray:
    orientation = 1 if kind == "TIFF" else _orientation(image, data, kind)  # Pillow rotates TIFF itself
    if at_least is not None and orientation >= 5:
        at_least = at_least[::-1]
    deep = has_deep_colors(image)
    shown = load_eight_bits(image)
    if kind == "PNG":
        _check_png(data, image)
    if deep and image.width * image.height <= LARGE and needs_lower_bytes(shown):
        shown = merge_bytes(shown, load_lower_bytes(open_image(data, kind, "decode")))
    colors = partial(to_srgb, icc=image.info.get("icc_profile"), exponent=gamma_exponent(image))
    return upright(np.array(_rgb(shown, colors, at_least)), orientation)


def load_eight_bits(image: Image.Image) -> Image.Image:
    """Load an opened image and convert it to 8 bits a sample by the rules of its format."""
    if image.format == "PNG":
        depth = gray_depth(image)
        image.load()
        return to_eight_bits_png(image, depth)
    if image.format == "GIF":
        return load_first_frame(image)
    image.load()
    if image.format == "TIFF":
        return to_eight_bits_tiff(image)
    return without_unused_alpha(image) if image.format == "BMP" else to_eight_bits(image)


def _check_png(data: bytes, image: Image.Image) -> None:
    """Refuse damage that Pillow ignores.

    Pillow leaves rows without data at zero, so a last row of other values proves that the picture is complete.
    """
    check_chunks(data)
    last = image.crop((0, image.height - 1, image.width, image.height))
    if image.info.get("interlace") or not any(last.tobytes()):
        check_complete(data)


def _rgb(
    image: Image.Image, colors: Callable[[Image.Image], Image.Image], at_least: tuple[int, int] | None
) -> Image.Image:
    """Convert an 8-bit image to RGB by ``colors``; a large one strip by strip, and reduced, to bound memory."""
    width, height = image.size
    if at_least is None or width * height <= LARGE:
        return colors(image)
    factor = max(1, min(height // (2 * at_least[0]), width // (2 * at_least[1])))
    rows = max(1, STRIP // width // factor) * factor
    reduced = Image.new("RGB", (-(-width // factor), -(-height // factor)))
    for top in range(0, height, rows):
        strip = colors(image.crop((0, top, width, min(height, top + rows))))
        reduced.paste(strip.reduce(factor), (0, top // factor))
    return reduced


def _orientation(image: Image.Image, data: bytes, kind: str) -> int:
    """Read the EXIF orientation (1 to 8) of an opened image; 1 if Pillow or libheif rotates it."""
    if kind == "TIFF":
        value = getattr(image, "tag_v2", {}).get(274, 1)
        return value if isinstance(value, int) and 1 <= value <= 8 else 1
    if kind == "HEIF":  # libheif rotates the picture itself
        return 1
    exif = image.info.get("exif") or (exif_chunk(data) if kind == "PNG" else b"")
    return exif_orientation(exif) if isinstance(exif, bytes) else 1


def upright(rgb: np.ndarray, orientation: int) -> np.ndarray:
    """Apply an EXIF orientation (1 to 8) to an array (H, W, 3); the result is contiguous."""
    if orientation >= 5:
        rgb = rgb.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        rgb = rgb[:, ::-1]
    if orientation in (3, 4, 7, 8):
        rgb = rgb[::-1]
    return np.ascontiguousarray(rgb)
