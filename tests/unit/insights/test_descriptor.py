import io

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from imgsim.insights import descriptor as d


@pytest.fixture(scope="module")
def picture() -> Image.Image:
    rng = np.random.default_rng(3)
    coarse = Image.fromarray(rng.integers(30, 190, (7, 9, 3), np.uint8))
    return coarse.resize((150, 110), Image.Resampling.BICUBIC)


def described(*pictures: Image.Image) -> np.ndarray:
    return d.pack(np.stack([d.small_picture(p) for p in pictures]))


def difference(one: Image.Image, other: Image.Image) -> float:
    return float(d.differences(described(one), described(other))[0])


def test_a_picture_does_not_differ_from_itself_nor_from_its_encodings(picture):
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=50)
    assert difference(picture, picture) == 0
    assert difference(picture, Image.open(buffer)) < 0.5
    assert difference(picture, picture.resize((75, 55))) < 0.5
    assert difference(picture, ImageEnhance.Brightness(picture).enhance(1.2)) < 0.5


def test_order_does_not_matter(picture):
    other = ImageEnhance.Contrast(picture.rotate(2)).enhance(1.3)
    assert difference(picture, other) == pytest.approx(difference(other, picture), rel=1e-4)


def test_one_changed_place_or_colour_is_another_picture(picture):
    patched = picture.copy()
    patched.paste((250, 250, 250), (60, 40, 80, 60))
    recoloured = Image.merge("RGB", picture.split()[::-1])
    assert difference(picture, patched) > 1
    assert difference(picture, recoloured) > 1
    assert difference(picture, Image.eval(picture, lambda v: 255 - v)) > 1


@pytest.mark.parametrize(
    ("turn", "method"),
    [
        ("mirrored", Image.Transpose.FLIP_LEFT_RIGHT),
        ("flipped", Image.Transpose.FLIP_TOP_BOTTOM),
        ("rotated 180", Image.Transpose.ROTATE_180),
        ("transposed", Image.Transpose.TRANSPOSE),
        ("rotated 90", Image.Transpose.ROTATE_270),  # Pillow turns the other way round
        ("rotated 270", Image.Transpose.ROTATE_90),
        ("transversed", Image.Transpose.TRANSVERSE),
    ],
)
def test_turned_descriptors_are_those_of_turned_pictures(picture, turn, method):
    turned = d.turned(described(picture), d.TURNS.index(turn))
    assert d.differences(turned, described(picture.transpose(method)))[0] < 0.2
    assert d.differences(described(picture), described(picture.transpose(method)))[0] > 1


def test_blank_pictures_are_known_as_such(picture):
    grey = Image.new("RGB", (50, 40), (90, 120, 200))
    assert d.is_blank(described(grey, picture)).tolist() == [True, False]
    assert np.isfinite(d.outlines(described(grey))).all()


def test_nothing_is_compared_with_nothing():
    assert d.differences(np.empty((0, d.BYTES), np.uint8), np.empty((0, d.BYTES), np.uint8)).shape == (0,)
