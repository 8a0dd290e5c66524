from pathlib import Path

import pytest

from imgsim.images.collection_root import note_root, noted_folder


def test_a_folder_is_noted_in_the_home_and_the_last_note_counts(tmp_path: Path):
    note_root(tmp_path, "zoo", "/photos/zoo")
    assert noted_folder(tmp_path, "zoo") == Path("/photos/zoo")
    note_root(tmp_path, "zoo", "/elsewhere")
    assert noted_folder(tmp_path, "zoo") == Path("/elsewhere")
    assert noted_folder(tmp_path, "other") is None


@pytest.mark.parametrize("root", ["s3://bucket/zoo", "zip://a::/photos/b.zip", "://", ""])
def test_images_that_lie_in_no_folder_here(tmp_path: Path, root: str):
    note_root(tmp_path, "zoo", root)
    assert noted_folder(tmp_path, "zoo") is None


@pytest.mark.parametrize("text", ["", "[]", '"zoo"', "{}", "\x00", '{"root": 3}'])
def test_a_damaged_note_is_none(tmp_path: Path, text: str):
    file = tmp_path / "collections" / "zoo" / "root.json"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    assert noted_folder(tmp_path, "zoo") is None
