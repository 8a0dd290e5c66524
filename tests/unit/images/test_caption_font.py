"""Captions in any script: by a font that has the characters, else spelt; never boxes."""

from pathlib import Path

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from PIL import Image

from imgsim.images import caption_font as module
from imgsim.images.caption_font import caption_font
from imgsim.images.contact_sheet import contact_sheet

CHINESE = "\u5199\u771f"


@pytest.fixture
def no_system_fonts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the font that comes with matplotlib."""
    only = module._fonts()[:1]
    monkeypatch.setattr(module, "_fonts", lambda: only)


@pytest.fixture
def chinese_font(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A font with two Chinese characters and Latin letters, each a square."""
    pen = TTGlyphPen(None)
    for place, point in enumerate(((100, 0), (100, 700), (800, 700), (800, 0))):
        (pen.lineTo if place else pen.moveTo)(point)
    pen.closePath()
    square = pen.glyph()
    characters = {ord(character): f"g{ord(character)}" for character in CHINESE + "photo "}
    names = [".notdef", *characters.values()]
    builder = FontBuilder(1000)
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap(characters)
    builder.setupGlyf(dict.fromkeys(names, square))
    builder.setupHorizontalMetrics(dict.fromkeys(names, (900, 100)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Squares", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    path = tmp_path / "squares.ttf"
    builder.save(path)
    fonts = (*module._fonts()[:1], str(path))
    monkeypatch.setattr(module, "_fonts", lambda: fonts)
    return path


@pytest.mark.usefixtures("no_system_fonts")
@pytest.mark.parametrize(
    ("caption", "shown"),
    [
        ("plain", "plain"),
        ("caf\u00e9 \u00c4pfel", "caf\u00e9 \u00c4pfel"),
        ("cafe\u0301", "caf\u00e9"),
        ("\u043a\u043e\u0448\u043a\u0430", "\u043a\u043e\u0448\u043a\u0430"),
        ("\u0642\u0637\u0629", "\u0642\u0637\u0629"),
        (f"{CHINESE} photo", "\\u5199\\u771f photo"),
        ("\ufdfa", "\ufdfa"),
        ("a\u200db\x07\ud800", "ab\\x07\\ud800"),
        ("\U0001d56c\uff21", "AA"),
    ],
)
def test_what_no_font_has_is_spelt(caption: str, shown: str) -> None:
    text = caption_font(caption, 12)[1]
    assert text in (shown, ascii(caption)[1:-1]) if caption == "\ufdfa" else text == shown
    assert text.isprintable()


def test_a_font_of_the_machine_is_found(chinese_font: Path) -> None:
    font, text = caption_font(f"{CHINESE} photo", 12)
    assert (text, font.path) == (f"{CHINESE} photo", str(chinese_font))
    font, text = caption_font(f"{CHINESE}\u043a", 12)  # no font has all: the one with most
    assert (text, font.path) == (f"{CHINESE}\\u043a", str(chinese_font))
    sheet = np.asarray(contact_sheet([Image.new("RGB", (20, 20))], [CHINESE], size=60))
    assert (sheet[70:, 8:40] < 100).any()


def test_damaged_fonts_are_passed_over(chinese_font: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bad.ttf").write_bytes(b"no font")
    fonts = (str(tmp_path / "bad.ttf"), str(chinese_font))
    monkeypatch.setattr(module, "_fonts", lambda: fonts)
    assert caption_font(CHINESE, 12)[0].path == str(chinese_font)


def test_no_font_of_boxes_is_used() -> None:
    assert module._fonts()
    assert not [path for path in module._fonts() if "LastResort" in path]
