"""Pictures of the user that are stored already."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from dashboards.services import uploads
from dashboards.services.answers.own_picture import Stored, find_stored
from dashboards.services.models.loaded_model import Loaded
from dashboards.services.uploads import Refused
from tests.dashboard_pictures import encoded


def found(loaded: Loaded, data: bytes) -> Stored | None:
    answer = uploads.read(loaded, "mine.jpg", data)
    assert not isinstance(answer, Refused)
    return find_stored(loaded, *answer)


@pytest.fixture
def row(loaded: Loaded) -> int:
    """An image that has no duplicate in the collection."""
    return int(np.flatnonzero((loaded.duplicate_group < 0) & (loaded.label_codes >= 0))[3])


def shown(loaded: Loaded, row: int) -> Image.Image:
    data = loaded.model.thumbnails([row])[0]
    assert data is not None
    return Image.open(BytesIO(data)).convert("RGB")


def test_the_same_picture_in_another_file(loaded: Loaded, row: int):
    assert found(loaded, encoded(shown(loaded, row), "PNG")) == Stored(row, "same picture")


def test_the_mirror_image(loaded: Loaded, row: int):
    mirrored = shown(loaded, row).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    assert found(loaded, encoded(mirrored, "PNG")) == Stored(row, "your picture, mirrored")


def test_another_picture(loaded: Loaded, photo: bytes):
    assert found(loaded, photo) is None


def test_a_picture_of_one_colour_is_like_none(loaded: Loaded):
    assert found(loaded, encoded(Image.new("RGB", (80, 60), (200, 200, 200)), "PNG")) is None
