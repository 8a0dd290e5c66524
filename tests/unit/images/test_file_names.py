import os

import pytest

from imgsim.images.file_names import has_image_extension, is_utf8, printable


@pytest.mark.parametrize("name", ["a/b.c.JPEG", "x.webp", "é.tif"])
def test_the_last_extension_tells_an_image(name: str) -> None:
    assert has_image_extension(name)


@pytest.mark.parametrize("name", ["a.jpg/readme", "jpg", ".jpg", "a.jpg.txt", ""])
def test_other_names_are_no_images(name: str) -> None:
    assert not has_image_extension(name)


def test_bytes_that_are_not_utf8_become_printable() -> None:
    name = os.fsdecode(b"\xff/a")
    assert not is_utf8(name)
    assert printable(name) == "\\xff/a"
    assert is_utf8(printable(name))
