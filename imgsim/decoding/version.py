"""Version of decoding: which rules and which libraries turned a file's bytes into pixels."""

from functools import cache
from importlib import metadata

from PIL import features

from imgsim.decoding.formats import FORMATS

RULES = {"JPEG": 2, "PNG": 3, "WEBP": 2, "AVIF": 2, "GIF": 2, "BMP": 2, "TIFF": 2, "HEIF": 1, "PPM": 1}
"""Number of our own rules for each format; raised whenever a file of that format gives other pixels than before."""

_DISTRIBUTIONS = {"JPEG": "simplejpeg", "HEIF": "pillow-heif"}  # Pillow decodes the other formats
_CODECS = {
    "JPEG": ("libjpeg_turbo", "littlecms2"),
    "PNG": ("littlecms2",),
    "WEBP": ("webp", "littlecms2"),
    "AVIF": ("avif", "littlecms2"),
    "TIFF": ("libtiff", "libjpeg_turbo", "littlecms2"),
    "HEIF": ("littlecms2",),
}


@cache
def decoding_version(kind: str | None = None) -> str:
    """Return the version of the decoding of one format: equal versions give equal pixels.

    Parameters
    ----------
    kind : str, optional
        A format as `imgsim.decoding.decode.Header` names it; all formats, one a line, by default.

    Returns
    -------
    str
        Such as ``"TIFF 2, pillow 12.0.0, libtiff 4.7.1, ..."``: the number of our rules, and the
        versions of the libraries. A library that is missing is named with the version ``none``.
    """
    if kind is None:
        return "\n".join(decoding_version(each) for each in FORMATS)
    distributions = ["pillow", _DISTRIBUTIONS[kind]] if kind in _DISTRIBUTIONS else ["pillow"]
    parts = [f"{name} {_installed(name)}" for name in distributions]
    parts += [f"{name} {features.version(name) or 'none'}" for name in _CODECS.get(kind, ())]
    return ", ".join([f"{kind} {RULES[kind]}", *parts])


def _installed(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "none"
