"""TIFF: which kinds of samples are read, and what Pillow leaves to be done to them."""

from typing import Any

from PIL import Image, ImageChops, ImagePalette
from PIL.TiffImagePlugin import TiffImageFile

from imgsim.decoding.bmp import without_unused_alpha
from imgsim.decoding.depth import SIXTEEN_BITS, scale_sixteen_bits, stretch, to_eight_bits

_BITS, _COMPRESSION, _PHOTOMETRIC, _PREDICTOR, _COLOR_MAP, _INK_SET, _SAMPLE_FORMAT = 258, 259, 262, 317, 320, 332, 339
_PLANAR, _COEFFICIENTS, _SUBSAMPLING, _REFERENCE = 284, 529, 530, 532
_WIDTH, _HEIGHT, _STRIP_BYTES = 256, 257, 279
_SEPARATE, _EXTRA_SAMPLES, _ALPHA = 2, 338, 2
_UNCOMPRESSED, _OLD_JPEG = 1, 6
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _INKS, _YCBCR, _LAB = 0, 1, 5, 6, 8
_UNSIGNED = 1
_BIG_ENDIAN_BIG_TIFF = b"MM\0+"
_WITH_PREDICTOR = (5, 8, 32946, 34925, 50000)  # LZW, deflate, LZMA, Zstandard
_REC_601 = (0.299, 0.587, 0.114)
_FULL_RANGE = (0, 255, 128, 255, 128, 255)
_NATIVE = {"I;16S": "I;16NS", "I;16BS": "I;16NS", "I;32S": "I;32NS", "I;32BS": "I;32NS", "F;32F": "F;32NF"}
_NATIVE |= {"F;32BF": "F;32NF"}  # libtiff gives samples in the byte order of the machine


class CheckedTiff(TiffImageFile):
    """Pillow's reader, which refuses what it would read wrongly."""

    def _setup(self) -> None:
        tags = self.tag_v2
        if (reason := _why_not(tags)) is not None:
            raise ValueError(f"unsupported TIFF: {reason}")
        if tags.get(_PHOTOMETRIC) != _WHITE_IS_ZERO or _is_small(tags):
            super()._setup()
            return
        tags[_PHOTOMETRIC] = _BLACK_IS_ZERO  # inverted by `to_eight_bits_tiff`: Pillow has few such modes, some wrong
        try:
            super()._setup()
        finally:
            tags[_PHOTOMETRIC] = _WHITE_IS_ZERO

    def _open(self) -> None:
        assert self.fp is not None
        if self.fp.read(4) == _BIG_ENDIAN_BIG_TIFF:
            raise ValueError("unsupported TIFF: a big-endian BigTIFF; save it as a TIFF of less than 4 GB")
        self.fp.seek(0)
        try:
            super()._open()
        except (SyntaxError, KeyError) as error:
            raise ValueError(_explain(error, getattr(self, "tag_v2", {}))) from error
        self.info.pop("xmp", None)  # or Pillow turns the picture as its XMP says, which viewers do not
        if self.tile and self.tile[0].codec_name == "libtiff" and isinstance(args := self.tile[0].args, tuple):
            self.tile = [self.tile[0]._replace(args=(_NATIVE.get(args[0], args[0]), *args[1:]))]
        if self.mode in ("P", "PA") and max(colors := self.tag_v2[_COLOR_MAP]) <= 255:  # 8 bits instead of 16
            self.palette = ImagePalette.raw("RGB;L", bytes(colors))


def to_eight_bits_tiff(image: Image.Image) -> Image.Image:
    """Convert the samples of a loaded TIFF to 8 bits, with white as its photometric interpretation says.

    Unsigned samples are scaled from the depth declared (`imgsim.decoding.depth.scale_sixteen_bits`
    for 16 bits); signed ones, 32-bit ones and floats have no defined white and are stretched.

    Raises
    ------
    ValueError
        A float image holds NaN or infinity.
    """
    assert isinstance(image, TiffImageFile)
    tags = image.tag_v2
    unsigned = _sample_format(tags) == _UNSIGNED
    if image.mode in SIXTEEN_BITS:
        gray = scale_sixteen_bits(image, 0xFFF if _first(tags[_BITS]) == 12 else None)
    elif image.mode in ("I", "F"):
        gray = stretch(image, unsigned=unsigned and image.mode == "I")
    elif image.mode == "L" and not unsigned:
        gray = stretch(image.point([value ^ 0x80 for value in range(256)]))
    else:
        return to_eight_bits(image if _EXTRA_SAMPLES in tags else without_unused_alpha(image))
    return ImageChops.invert(gray) if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO else gray


def _is_small(tags: Any) -> bool:
    """Tell if the samples are unsigned and have at most 8 bits; Pillow inverts those itself."""
    return bool(_first(tags.get(_BITS, 1)) <= 8 and _sample_format(tags) == _UNSIGNED)


def _sample_format(tags: Any) -> int:
    return int(_first(tags.get(_SAMPLE_FORMAT, _UNSIGNED)))


def _why_not(tags: Any) -> str | None:
    """Name what Pillow would read wrongly; None if nothing."""
    compression, photometric = tags.get(_COMPRESSION, _UNCOMPRESSED), tags.get(_PHOTOMETRIC)
    if photometric is None and compression != _OLD_JPEG:
        return "it does not say which value is black (no PhotometricInterpretation)"
    if tags.get(_PREDICTOR, 1) != 1 and compression not in _WITH_PREDICTOR:
        return f"a predictor with compression {compression}"
    if tags.get(_PLANAR, 1) == _SEPARATE and (reason := _why_not_planes(tags, compression)):
        return reason
    if photometric == _INKS and tags.get(_INK_SET, 1) != 1:
        return "inks other than cyan, magenta, yellow and black"
    if photometric == _YCBCR and compression == _UNCOMPRESSED and not _is_plain_ycbcr(tags):
        return "uncompressed YCbCr that is subsampled or of a range of its own"
    return None


def _why_not_planes(tags: Any, compression: int) -> str | None:
    bits = tags.get(_BITS, (1,))
    if len(bits) == 2:
        return "gray and alpha in planes of their own"
    photometric = tags.get(_PHOTOMETRIC)
    if photometric == _LAB or (photometric == _YCBCR and compression == _UNCOMPRESSED):
        return "Lab or uncompressed YCbCr in planes of their own"
    if len(bits) > 2 and compression == _UNCOMPRESSED and max(bits) > 8:
        return "uncompressed colours of more than 8 bits in planes of their own"
    if compression == _UNCOMPRESSED and _first(tags.get(_EXTRA_SAMPLES, _ALPHA)) != _ALPHA:
        return "uncompressed planes with premultiplied alpha or planes of unknown use"
    return None


def _is_plain_ycbcr(tags: Any) -> bool:
    coefficients = tags.get(_COEFFICIENTS, _REC_601)
    whole = sum(tags.get(_STRIP_BYTES, ())) == 3 * tags.get(_WIDTH, 0) * tags.get(_HEIGHT, 0)
    subsampling = tags.get(_SUBSAMPLING, (1, 1) if whole else (2, 2))  # older versions of Pillow left it out
    return (
        tuple(subsampling) == (1, 1)
        and tuple(tags.get(_REFERENCE, _FULL_RANGE)) == _FULL_RANGE
        and all(abs(float(a) - b) < 0.001 for a, b in zip(coefficients, _REC_601, strict=True))
    )


def _explain(error: Exception, tags: Any) -> str:
    if "unknown pixel mode" not in str(error):
        return str(error)
    bits, sample = tags.get(_BITS, (1,)), _sample_format(tags)
    kind = {1: "unsigned", 2: "signed", 3: "floating-point"}.get(sample, f"format-{sample}")
    order = {b"II": "little", b"MM": "big"}[tags.prefix]
    return (
        f"unsupported TIFF: {len(bits)} {kind} samples of {max(bits)} bits, {order}-endian, "
        f"photometric interpretation {tags.get(_PHOTOMETRIC)}; save it with 8 or 16 unsigned bits"
    )


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, tuple) else value
