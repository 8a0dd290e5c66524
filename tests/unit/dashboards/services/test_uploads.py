import hashlib
from threading import BoundedSemaphore
from time import perf_counter

import numpy as np
import pytest
from PIL import Image

from dashboards.services import uploads
from dashboards.services.models.loaded_model import Loaded
from dashboards.services.query_text import Crop
from dashboards.services.search import Vector
from dashboards.services.uploads import Limits, Picture, Refused
from imgsim.decoding.decode import decode
from tests.dashboard_pictures import bomb, encoded, halves


def accepted(loaded: Loaded, name: str, data: bytes, limits: Limits | None = None) -> tuple[Picture, Vector]:
    answer = uploads.read(loaded, name, data, limits)
    assert not isinstance(answer, Refused), answer
    return answer


def refused(loaded: Loaded, data: bytes, limits: Limits | None = None) -> str:
    answer = uploads.read(loaded, "a.jpg", data, limits)
    assert isinstance(answer, Refused)
    assert answer.name == "a.jpg"
    assert answer.reason.endswith(".")
    assert "/" not in answer.reason, "no path of this machine"
    return answer.reason


def test_a_picture_has_the_vector_the_library_gives(loaded: Loaded, photo: bytes):
    picture, vector = accepted(loaded, "photo.jpg", photo)
    np.testing.assert_array_equal(vector, embedded(loaded, photo))
    assert (picture.width, picture.height, picture.format, picture.name) == (120, 80, "JPEG", "photo.jpg")
    assert picture.sha256 == hashlib.sha256(photo).hexdigest()
    assert picture.key == "u" + picture.sha256[:12]
    assert decode(picture.tile).shape[:2] == (80, 120)


def embedded(loaded: Loaded, data: bytes) -> Vector:
    from imgsim.references.query import resolve

    return np.asarray(resolve(loaded.model.references, [data])[0])


def test_a_stored_file_has_its_own_vector(loaded: Loaded):
    picture, vector = accepted(loaded, "copy.jpg", loaded.model.images.read_bytes(5))
    np.testing.assert_array_equal(vector, loaded.model.embeddings[5])
    assert uploads.stored_row(loaded, picture) == 5


def test_a_strange_file_is_no_stored_image(loaded: Loaded, photo: bytes):
    assert uploads.stored_row(loaded, accepted(loaded, "photo.jpg", photo)[0]) is None


def test_sizes_are_of_the_upright_picture(loaded: Loaded):
    exif = Image.Exif()
    exif[0x0112] = 6
    picture, _ = accepted(loaded, "turned.jpg", encoded(halves(), exif=exif))
    assert (picture.width, picture.height) == (80, 120)
    assert decode(picture.tile).shape[:2] == (120, 80)


@pytest.mark.parametrize("format", ["PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_other_formats(loaded: Loaded, format: str):
    assert accepted(loaded, "a", encoded(halves(), format))[0].format == format


def test_a_large_picture_has_a_small_tile(loaded: Loaded):
    picture, _ = accepted(loaded, "large.jpg", encoded(halves(900, 1500)))
    assert max(decode(picture.tile).shape[:2]) == uploads.TILE


def test_what_is_no_picture_gets_one_sentence(loaded: Loaded, photo: bytes):
    for data in (b"", b"hello", b"%PDF-1.4", photo[: len(photo) // 2], b"\xff\xd8\xff" + b"\0" * 500):
        assert refused(loaded, data)


def test_limits_of_bytes_and_pixels(loaded: Loaded, photo: bytes):
    assert refused(loaded, photo, Limits(bytes=100)) == "it is larger than 0 MB."
    assert "megapixels" in refused(loaded, photo, Limits(pixels=1000))


def test_a_decompression_bomb_is_refused_before_it_is_decoded(loaded: Loaded):
    began = perf_counter()
    assert "megapixels" in refused(loaded, bomb(20_000, 20_000))
    assert perf_counter() - began < 2


def test_names_are_shown_as_text(loaded: Loaded, photo: bytes):
    picture, _ = accepted(loaded, "a\u202egpj.exe\n" + "x" * 500, photo)
    assert picture.name.startswith("a\\u202egpj.exe\\n")
    assert len(picture.name) <= 200


def test_several_files_at_once(loaded: Loaded, photo: bytes):
    files = [("1.jpg", photo), ("bad.jpg", b"no"), ("2.jpg", photo), ("3.jpg", photo)]
    answers = uploads.read_all(loaded, files, Limits(files=3))
    assert [isinstance(answer, Refused) for answer in answers] == [False, True, False, True]
    assert answers[3] == Refused("3.jpg", "only 3 pictures can be searched with at once.")


def test_reading_ends_when_the_time_is_over(loaded: Loaded, photo: bytes):
    answers = uploads.read_all(loaded, [("1.jpg", photo)], Limits(seconds=-1))
    assert isinstance(answers[0], Refused)


def test_too_many_at_the_same_time_wait_and_are_then_told(
    loaded: Loaded, photo: bytes, monkeypatch: pytest.MonkeyPatch
):
    full = BoundedSemaphore(1)
    full.acquire()
    monkeypatch.setattr(uploads, "_decoding", full)
    monkeypatch.setattr(uploads, "_PATIENCE", 0.01)
    assert "try again" in refused(loaded, photo)
    full.release()
    accepted(loaded, "a.jpg", photo)
    assert full.acquire(blocking=False), "its turn was given back"


# Parts


@pytest.mark.parametrize(
    ("crop", "box"),
    [
        ((0, 0, 50, 100), (0, 0, 60, 80)),
        ((50, 25, 100, 75), (60, 20, 120, 60)),
        ((0, 0, 1, 1), (0, 0, 2, 1)),
        ((99, 99, 100, 100), (118, 79, 120, 80)),
    ],
)
def test_a_crop_in_pixels(crop: Crop, box: tuple[int, int, int, int]):
    pixels = np.asarray(halves())
    left, top, right, bottom = box
    np.testing.assert_array_equal(uploads.cut_out(pixels, crop), pixels[top:bottom, left:right])


def test_a_crop_has_a_pixel_however_small_the_picture():
    assert uploads.cut_out(np.zeros((1, 1, 3), np.uint8), (40, 40, 41, 41)).shape == (1, 1, 3)


def test_the_part_of_an_upload_is_asked_like_that_part_alone(loaded: Loaded):
    picture, whole = accepted(loaded, "photo.png", encoded(halves(), "PNG"))
    part = uploads.embed(loaded, picture, (0, 0, 50, 100))
    alone = embedded(loaded, encoded(halves().crop((0, 0, 60, 80)), "PNG"))
    assert not isinstance(part, Refused)
    np.testing.assert_allclose(part, alone, atol=1e-5)
    assert np.linalg.norm(part - whole) > 0.1
    np.testing.assert_array_equal(uploads.embed(loaded, picture), whole)


def test_the_part_of_a_stored_image_is_asked_by_its_thumbnail(loaded: Loaded):
    part = uploads.embed_stored(loaded, 3, (0, 0, 60, 60))
    assert not isinstance(part, Refused)
    assert part.shape == loaded.model.embeddings[3].shape
    assert np.linalg.norm(part - loaded.model.embeddings[3]) > 0.1


def test_without_a_thumbnail_no_part_can_be_asked(loaded: Loaded, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(loaded.model.references, "thumbnail_source", None)
    answer = uploads.embed_stored(loaded, 3, (0, 0, 60, 60))
    assert isinstance(answer, Refused)
    assert "thumbnail" in answer.reason


# The shelf


def kept(key: str, size: int) -> Picture:
    return Picture(key, key, b"x" * size, 1, 1, "JPEG", b"", key)


def test_the_oldest_pictures_make_room_in_number():
    shelf: dict[str, Picture] = {}
    for number in range(uploads.MOST_KEPT + 3):
        uploads.store(shelf, kept(str(number), 1))
    assert list(shelf) == [str(number) for number in range(3, uploads.MOST_KEPT + 3)]


def test_the_oldest_pictures_make_room_in_bytes():
    shelf: dict[str, Picture] = {}
    third = uploads.MOST_KEPT_BYTES // 3
    for key in "abcd":
        uploads.store(shelf, kept(key, third))
    assert list(shelf) == ["b", "c", "d"]
    uploads.store(shelf, kept("b", third))
    assert list(shelf) == ["c", "d", "b"], "sent again, it is the youngest"
    uploads.store(shelf, kept("huge", 2 * uploads.MOST_KEPT_BYTES))
    assert list(shelf) == ["huge"]


def test_a_picture_is_there_for_all_until_newer_ones_need_its_room(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(uploads, "_for_all", {})
    monkeypatch.setattr(uploads, "MOST_SHARED", 3)
    for key in "abcd":
        uploads.store_for_all(kept(key, 1))
    assert uploads.stored_for_all("a") is None
    assert uploads.stored_for_all("d") == kept("d", 1)
