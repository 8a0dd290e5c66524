"""Patterns give each picture once, as the folder itself does."""

from pathlib import Path

import pytest

from imgsim.errors import SourceError
from imgsim.images.list_source import list_source
from imgsim.images.patterns import path_matcher, split_pattern


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "photos [2024]"
    for name in ("0.png", "sub/1.png", "sub/deep/2.png", "other/3.png", "sub/notes.txt"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    (root / "sub" / "up").symlink_to("..")
    (root / "other" / "round").symlink_to("../sub")
    return root


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("**/*.png", ["0.png", "other/3.png", "sub/1.png", "sub/deep/2.png"]),
        ("**", ["0.png", "other/3.png", "sub/1.png", "sub/deep/2.png"]),
        ("*/*.png", ["other/3.png", "sub/1.png"]),
        ("s*/**/[0-9].png", ["1.png", "deep/2.png"]),
        ("*.p?g", ["0.png"]),
        ("sub/*/*", ["2.png"]),
    ],
)
def test_links_that_lead_in_circles_do_not_matter(folder: Path, pattern: str, found: list[str]) -> None:
    listing = list_source(f"{folder}/{pattern}")
    assert [entry.path for entry in listing.entries] == found


def test_what_a_pattern_matches_and_is_no_image_is_named(folder: Path) -> None:
    (folder / "sub" / "gone.png").symlink_to("nowhere")
    listing = list_source(f"{folder}/sub/*")
    assert [entry.path for entry in listing.entries] == ["1.png"]
    assert listing.skipped == [("notes.txt", ".txt")]
    assert [path for path, _ in listing.rejected] == ["gone.png"]


def test_without_recursion_two_stars_are_one(folder: Path) -> None:
    listing = list_source(f"{folder}/**/*.png", recursive=False)
    assert [entry.path for entry in listing.entries] == ["other/3.png", "sub/1.png"]


@pytest.mark.parametrize("pattern", ["*.gif", "none/*.png", "**/*.gif"])
def test_a_pattern_without_a_file_is_an_error(folder: Path, pattern: str) -> None:
    with pytest.raises(SourceError, match="no such file"):
        list_source(f"{folder}/{pattern}")


def test_a_folder_with_brackets_is_no_pattern(folder: Path) -> None:
    known = {"/a", "/a/b [1]"}
    assert split_pattern("/a/b [1]/c*/*.png", known.__contains__) == ("/a/b [1]", "c*/*.png")
    assert split_pattern("/a/b [2]/*.png", known.__contains__) == ("/a", "b [2]/*.png")
    assert path_matcher("a**b/*", recursive=True)("axxb/c")
