"""Colour conversion: a Pillow image of any mode to 8-bit sRGB through its ICC profile, transparency over white."""

from functools import lru_cache
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

from imgsim.decoding.depth import to_eight_bits

_PROFILE_SPACES = {"RGB": "RGB", "CMYK": "CMYK", "L": "GRAY", "LAB": "Lab"}
_INDISTINGUISHABLE = 2  # grey levels: a profile that changes no colour by more counts as sRGB


def to_srgb(image: Image.Image, icc: bytes | None, exponent: float | None = None) -> Image.Image:
    """Convert a loaded image to mode RGB: 8 bits, sRGB, transparency over white.

    Parameters
    ----------
    image : PIL.Image.Image
        Any mode Pillow reads; more than 8 bits a sample are converted by `imgsim.decoding.depth.to_eight_bits`.
    icc : bytes, optional
        Embedded colour profile. Ignored when it is broken, does not fit the mode, or is sRGB.
    exponent : float, optional
        Power that turns the colours, from 0 to 1, into those of sRGB, where a file has no profile but says so.

    Returns
    -------
    PIL.Image.Image
        Mode RGB, same size.

    Raises
    ------
    ValueError
        A float image holds NaN or infinity.
    """
    image = to_eight_bits(image)
    image, alpha = _split_alpha(image)
    rgb = apply_profile(image, icc)
    if exponent is not None:
        rgb = rgb.point([round(255 * (level / 255) ** exponent) for level in range(256)] * 3)
    if alpha is None or alpha.getextrema() == (255, 255):
        return rgb
    white = Image.new("RGB", rgb.size, (255, 255, 255))
    white.paste(rgb, mask=alpha)
    return white


def _split_alpha(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Separate the colours (L, RGB, CMYK or LAB) from the alpha channel, if there is any transparency."""
    if image.mode in ("La", "RGBa"):
        image = image.convert({"La": "LA", "RGBa": "RGBA"}[image.mode])
    if image.mode in ("P", "PA", "L", "RGB") and (image.mode == "PA" or "transparency" in image.info):
        image = image.convert("RGBA")
    if image.mode in ("LA", "RGBA"):
        return image.convert(image.mode[:-1]), image.getchannel("A")
    if image.mode in _PROFILE_SPACES:
        return image, None
    return image.convert("RGB"), None


def apply_profile(image: Image.Image, icc: bytes | None) -> Image.Image:
    """Convert an image of mode L, RGB, CMYK or LAB to sRGB through its ICC profile, or by Pillow's rule without one."""
    if image.mode == "LAB":
        icc = _lab_profile()
    transform = _srgb_transform(icc, image.mode) if icc else None
    if icc and transform is None and image.mode == "L":  # a gray picture may carry an RGB profile
        image = image.convert("RGB")
        transform = _srgb_transform(icc, "RGB")
    if transform is not None:
        return ImageCms.applyTransform(image, transform) or image
    return image if image.mode == "RGB" else image.convert("RGB")


@lru_cache(maxsize=1)
def _lab_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()


@lru_cache(maxsize=32)
def _srgb_transform(icc: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Build the transform from a profile to sRGB; None if it is broken, of another colour space, or sRGB itself."""
    try:
        profile = ImageCms.ImageCmsProfile(BytesIO(icc))
        if profile.profile.xcolor_space.strip() != _PROFILE_SPACES[mode]:
            return None
        transform = ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    return None if mode in ("RGB", "L") and _changes_nothing(transform, mode) else transform


def _changes_nothing(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Tell if the transform leaves a lattice of test colours unchanged."""
    levels = np.arange(0, 256, 15, dtype=np.uint8)
    if mode == "RGB":
        before = np.stack(np.meshgrid(levels[::3], levels[::3], levels[::3]), axis=-1).reshape(1, -1, 3)
    else:
        before = levels[None]
    after = np.asarray(ImageCms.applyTransform(Image.fromarray(before), transform)).astype(int)
    expected = before if mode == "RGB" else before[..., None]
    return bool(np.abs(after - expected).max() <= _INDISTINGUISHABLE)
