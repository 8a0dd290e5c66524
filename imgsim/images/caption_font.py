"""Fonts for captions in any script: the first one on this machine that has every character of a text."""

import unicodedata
from functools import cache
from pathlib import Path
from typing import Any

from PIL import ImageFont

REGULAR = 400
_DRAWS_BOXES = "last resort"


def caption_font(text: str, size: int) -> tuple[Any, str]:
    r"""Return a font for a line of text, and the text as that font can show it.

    Parameters
    ----------
    text : str
        One line.
    size : int
        Pixels per em.

    Returns
    -------
    font : PIL.ImageFont.FreeTypeFont or PIL.ImageFont.ImageFont
        Pillow's own for ASCII; else matplotlib's DejaVu Sans or a font of the system.
    text : str
        What no font here has is replaced by letters without accents, or escaped as in Python (``\u5199``).
    """
    line = unicodedata.normalize("NFC", text)
    default = ImageFont.load_default(size)
    if line.isascii() and line.isprintable():
        return default, line
    if not isinstance(default, ImageFont.FreeTypeFont):  # Pillow was built without FreeType
        return default, _spell(line, frozenset())
    wanted = {ord(character) for character in line if not character.isascii()}
    best, missing = None, len(wanted) + 1
    for path in _fonts():
        absent = len(wanted - _characters(path))
        if absent < missing and (font := _open(path, size)):
            best, missing, known = font, absent, _characters(path)
            if not absent:
                break
    return (default, _spell(line, frozenset())) if best is None else (best, _spell(line, known))


def _spell(line: str, known: frozenset[int]) -> str:
    """Replace what a font does not have; marks that only change the look of others are left out."""
    return "".join(_replacement(character, known) for character in line)


def _replacement(character: str, known: frozenset[int]) -> str:
    if (character.isascii() or ord(character) in known) and character.isprintable():
        return character
    if unicodedata.category(character) in ("Cf", "Mn", "Me"):
        return ""
    plain = unicodedata.normalize("NFKD", character)
    letters = "".join(part for part in plain if not unicodedata.combining(part))
    return letters if letters.isascii() and letters.isprintable() else ascii(character)[1:-1]


@cache
def _fonts() -> tuple[str, ...]:
    """Return the font files of this machine: DejaVu Sans first, then upright, regular ones."""
    from matplotlib import font_manager

    listed = [font for font in font_manager.fontManager.ttflist if _DRAWS_BOXES not in font.name.lower()]
    listed.sort(key=lambda font: (font.style != "normal", abs(_weight(font.weight) - REGULAR), font.fname))
    paths = [font_manager.findfont("DejaVu Sans"), *(font.fname for font in listed)]
    return tuple(dict.fromkeys(path for path in paths if Path(path).is_file()))


def _weight(value: int | str) -> int:
    return value if isinstance(value, int) else REGULAR


@cache
def _characters(path: str) -> frozenset[int]:
    from matplotlib.ft2font import FT2Font

    try:
        return frozenset(FT2Font(path).get_charmap())
    except (OSError, RuntimeError):  # a damaged font
        return frozenset()


def _open(path: str, size: int) -> ImageFont.FreeTypeFont | None:
    try:
        return ImageFont.truetype(path, size)
    except OSError:  # a font of pictures in one size, such as emoji
        return None
