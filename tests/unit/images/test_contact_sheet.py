"""Grids of tiles: geometry, captions, marks that need no colour vision."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from imgsim.errors import ArgumentError, ArgumentTypeError
from imgsim.images.caption_font import caption_font
from imgsim.images.contact_sheet import BAD, GOOD, _fit, contact_sheet, neighbor_sheet, to_png

RED = Image.new("RGB", (80, 40), (250, 10, 10))


def as_bytes(image: Image.Image) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def test_every_kind_of_picture_gives_the_same_tile() -> None:
    sheets = [contact_sheet([thumb], size=60) for thumb in (RED, as_bytes(RED), np.asarray(RED), RED.convert("RGBA"))]
    assert len({sheet.tobytes() for sheet in sheets}) == 1
    assert sheets[0].getpixel((38, 38)) == (250, 10, 10)


def test_grid() -> None:
    assert contact_sheet([RED] * 7, columns=3, size=50).size == (8 + 3 * 58, 8 + 3 * 58)
    assert contact_sheet([RED] * 2, columns=5, size=50).size == (8 + 2 * 58, 8 + 58)
    assert contact_sheet([]).size[0] > 0
    tall = contact_sheet([RED], ["a caption that is far too long for its tile\nin two lines"], size=50)
    assert tall.size[1] > 8 + 58


def test_what_cannot_be_shown_is_an_empty_tile() -> None:
    broken, missing = contact_sheet([b"no image"], size=60), contact_sheet([None], size=60)
    assert broken.tobytes() == missing.tobytes()


def test_originals_are_not_changed() -> None:
    image = RED.copy()
    contact_sheet([image], size=10)
    assert image.size == (80, 40)


def test_refusals() -> None:
    with pytest.raises(ArgumentError, match="captions"):
        contact_sheet([RED], ["a", "b"])
    with pytest.raises(ArgumentError, match="columns"):
        contact_sheet([RED], columns=0)
    with pytest.raises(ArgumentTypeError, match="size"):
        contact_sheet([RED], size=1.5)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="too large"):
        contact_sheet([RED], size=10**6)


def test_captions_in_any_script() -> None:
    contact_sheet([RED, RED], ["Übung 東京 \U0001f600", ""], size=40)


def test_a_long_caption_is_cut_to_the_width_of_its_tile() -> None:
    font, line = caption_font("neighbour " * 100, 13)
    short = _fit(line, font, 160)
    assert short.endswith("...")
    assert font.getlength(short) <= 160 < font.getlength(f"{line[: len(short) - 2]}...")
    assert contact_sheet([RED], ["x" * 10**6]).size == contact_sheet([RED], ["x"]).size


def test_neighbours_are_marked_by_shape_and_colour() -> None:
    gray = Image.new("RGB", (60, 60), (128, 128, 128))
    sheet = neighbor_sheet([(gray, [(gray, "a", True), (gray, "b", False), (gray, "c", None)])], size=60)
    start = 8 + 60 + 24
    corners = [sheet.getpixel((start + i * 68, 8)) for i in range(3)]
    assert corners == [GOOD, BAD, (128, 128, 128)]
    badges = [np.asarray(sheet.convert("L"))[8:24, start + i * 68 : start + i * 68 + 16] > 200 for i in range(2)]
    assert badges[0].any()
    assert badges[1].any()
    assert not np.array_equal(*badges)


def test_neighbours_of_different_number() -> None:
    sheet = neighbor_sheet([(RED, []), (RED, [(RED, "a", None)] * 3)], size=60)
    assert sheet.size[0] == 8 + 60 + 24 + 3 * 68
    assert neighbor_sheet([]).size[0] > 0
    assert Image.open(BytesIO(to_png(sheet))).size == sheet.size
