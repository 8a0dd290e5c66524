"""Image formats that imgsim reads: their signatures, size limits, and the one Pillow reader used for each."""

from collections.abc import Callable
from contextlib import suppress
from ctypes import CDLL
from functools import cache
from importlib import import_module
from io import BytesIO
from warnings import filterwarnings

from PIL import Image

from imgsim.distribution import install_command
from imgsim.errors import ImageError
from imgsim.io.error_text import temporary_cause

JPEG = b"\xff\xd8\xff"  # signature: the first bytes of its files
MEGAPIXEL = 1_000_000
MAX_SIDE = (
    100_000  # pixels; a longer side is no photograph, and the other side too narrow for decoding at a reduced scale
)
MAX_MEGAPIXELS = {
    "WEBP": 100,
    "AVIF": 128,
    "HEIF": 128,
    "TIFF": 178,
    "PPM": 100,
}  # 12 to 17 bytes a pixel; Pillow's limit
MAX_MEGAPIXELS_ELSE = 256
EXTENSIONS = frozenset((
    "jpg", "jpeg", "jpe", "jfif", "jfi", "jif", "pjpeg", "pjp", "mpo", "png", "apng", "webp", "avif", "avifs", "gif",
    "bmp", "tif", "tiff", "heic", "heics", "heif", "hif", "pgm", "ppm", "pbm", "pnm",
))  # fmt: skip

_READERS = {
    "JPEG": ("PIL.JpegImagePlugin", "JpegImageFile"),
    "PNG": ("PIL.PngImagePlugin", "PngImageFile"),
    "WEBP": ("PIL.WebPImagePlugin", "WebPImageFile"),
    "AVIF": ("PIL.AvifImagePlugin", "AvifImageFile"),
    "GIF": ("PIL.GifImagePlugin", "GifImageFile"),
    "BMP": ("imgsim.decoding.bmp", "CheckedBmp"),
    "TIFF": ("imgsim.decoding.tiff", "CheckedTiff"),
    "HEIF": ("pillow_heif.as_plugin", "HeifImageFile"),
    "PPM": ("imgsim.decoding.netpbm", "ScaledPpm"),
}
FORMATS = tuple(_READERS)
_SIGNATURES = (
    (JPEG, "JPEG"),
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

# Pillow warns about damaged tags and sizes it finds large; here they are accepted or refused, with a reason.
filterwarnings("ignore", module=r"PIL\.")


def identify(data: bytes, stage: str) -> str:
    """Return the name of the format by the file's first bytes; the extension is ignored.

    Raises
    ------
    ImageError
        No format that imgsim reads.
    """
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
    if data[:2] in (b"P4", b"P5", b"P6") and data[2:3].isspace():
        return "PPM"
    if not data:
        raise ImageError(stage, "the file is empty")
    raise ImageError(stage, _no_picture(data))


def _no_picture(data: bytes) -> str:
    if data[:512].lstrip().lower().startswith((b"<!doctype html", b"<html", b"<?xml", b"<svg")):
        return "a text document (HTML, XML or SVG), not a picture made of pixels"
    if data[:2] in (b"P1", b"P2", b"P3") and data[2:3].isspace():
        return "a Netpbm picture written as text: save it as binary PBM, PGM or PPM"
    if data.startswith(b"%PDF"):
        return "a PDF document, not a picture made of pixels"
    if data[4:8] == b"ftyp" or (data[:4] == b"RIFF" and data[8:12] == b"AVI ") or data[:4] == b"\x1aE\xdf\xa3":
        return "a video, not a picture"
    return f"not an image of a known format (it begins with the bytes {data[:8].hex(' ')})"


def check_size(width: int, height: int, kind: str, stage: str) -> None:
    """Refuse a size that would take too much memory, before any pixel is decoded.

    Raises
    ------
    ImageError
        No pixels, a side above 100,000 pixels, or above 256 megapixels (TIFF 178, AVIF and HEIF 128, WebP and PPM 100).
    """
    if width < 1 or height < 1:
        raise ImageError(stage, f"its header declares a size of {width} x {height}")
    limit = MAX_MEGAPIXELS.get(kind, MAX_MEGAPIXELS_ELSE)
    if width * height > limit * MEGAPIXEL:
        megapixels = width * height / MEGAPIXEL
        reason = f"its header declares {width} x {height} pixels ({megapixels:,.0f} megapixels); the limit is {limit}"
        raise ImageError(stage, reason)
    if max(width, height) > MAX_SIDE:
        reason = f"its header declares {width} x {height} pixels; the limit of a side is {MAX_SIDE:,}"
        raise ImageError(stage, reason)


def open_image(data: bytes, kind: str, stage: str) -> Image.Image:
    """Open a file with the one Pillow reader of its format; no other parser sees the bytes.

    Raises
    ------
    ImageError
        The header is broken, the size refused, or the optional package for this format is missing.
    """
    try:
        image = _reader(kind)(BytesIO(data))
    except ImportError:
        if kind != "HEIF":
            raise
        reason = f"HEIC pictures need an optional package: {install_command('heic')}"
        raise ImageError("header" if stage == "header" else "read", reason) from None
    except Exception as error:  # noqa: BLE001  codecs raise almost anything on damaged input
        raise refusal(error, kind, stage) from None
    check_size(*image.size, kind, stage)
    return image


@cache
def _reader(kind: str) -> Callable[[BytesIO], Image.Image]:
    module, name = _READERS[kind]
    reader: Callable[[BytesIO], Image.Image] = getattr(import_module(module), name)
    if kind == "TIFF":
        _silence_libtiff()
    return reader


def _silence_libtiff() -> None:
    """Stop libtiff from printing to stderr (into the progress bar); Pillow's error tells the reason."""
    from PIL import _imaging

    with suppress(AttributeError, OSError):  # Pillow is built without libtiff, or with it linked statically
        CDLL(_imaging.__file__).TIFFSetErrorHandler(None)


def refusal(error: Exception, kind: str, stage: str) -> ImageError:
    """Make a codec's error an `ImageError`: stage ``"read"``, which is never remembered, if the machine is to blame."""
    return ImageError(stage if temporary_cause(error) is None else "read", explain_damage(error, kind))


def explain_damage(error: Exception, kind: str) -> str:
    """Translate a codec's error into words for the owner of the file."""
    text = " ".join(str(error).split()) or type(error).__name__
    if (cause := temporary_cause(error)) is not None:
        why = "too little memory" if isinstance(cause, MemoryError) else f"the machine had too little ({cause})"
        return f"{why} to decode this {kind}"
    if text.startswith((f"damaged {kind}:", f"truncated {kind}:", f"unsupported {kind}:")):
        return text
    if text == "not identified by this driver":
        return f"damaged {kind}: its header is broken"
    if "truncated" in text.lower():
        return f"truncated {kind}: {text}"
    return f"damaged or unsupported {kind}: {text}"
