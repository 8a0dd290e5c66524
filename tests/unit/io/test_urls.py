from pathlib import Path

import pytest

from imgsim.errors import SourceError
from imgsim.io.urls import ANYWHERE, below, common_folder, file_path, full_url, is_url, join, open_url, split_url


def test_urls_are_told_from_paths() -> None:
    assert is_url("s3://bucket/a")
    assert is_url("zip::/photos/a.zip")
    assert not is_url("/photos/a")
    assert not is_url("photo::1.jpg")


def test_a_url_is_opened_as_file_system_and_path() -> None:
    filesystem, path = open_url("memory://photos/")
    assert (filesystem.protocol, path) == ("memory", "/photos")


def test_an_unknown_kind_of_url_is_named() -> None:
    with pytest.raises(SourceError, match="nonsense://a cannot be opened"):
        open_url("nonsense://a")


@pytest.mark.parametrize(
    ("root", "path", "joined"),
    [
        ("", "a", "a"),
        ("/r", "a", "/r/a"),
        ("/r/", "a", "/r/a"),
        ("s3://b", "a/c", "s3://b/a/c"),
        ("zip://::/a.zip", "c/1.jpg", "zip://c/1.jpg::/a.zip"),
        ("zip://c::s3://b/a.zip", "1.jpg", "zip://c/1.jpg::s3://b/a.zip"),
        (ANYWHERE, "http://host/1.jpg", "http://host/1.jpg"),
    ],
)
def test_a_root_and_a_path_are_joined_by_one_slash(root: str, path: str, joined: str) -> None:
    assert join(root, path) == joined
    if root:
        assert below(root, joined) == path


def test_a_chained_url_is_split_at_its_first_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert split_url("zip://a/*.jpg::zip://b.zip::/c.zip") == ("zip://", "a/*.jpg", "::zip://b.zip::/c.zip")
    assert split_url("simplecache::s3://b/1.jpg") == ("simplecache::s3://", "b/1.jpg", "")
    monkeypatch.chdir(tmp_path)
    assert full_url("zip::a.zip") == f"zip://::{tmp_path}/a.zip"
    assert full_url("s3://b/a") == "s3://b/a"


@pytest.mark.parametrize(
    ("one", "other", "common"),
    [
        ("/a/b", "/a/c", "/a"),
        ("s3://b/a/x", "s3://b/a/y", "s3://b/a"),
        ("zip://a::/z.zip", "zip://b::/z.zip", "zip://::/z.zip"),
        ("zip://a::/y.zip", "zip://a::/z.zip", ANYWHERE),
        ("http://one/a", "http://two/a", ANYWHERE),
        ("/a", "s3://b", ANYWHERE),
        (ANYWHERE, "/a", ANYWHERE),
        ("", "/a", ""),
    ],
)
def test_the_folder_that_holds_two(one: str, other: str, common: str) -> None:
    assert common_folder(one, other) == common_folder(other, one) == common


def test_a_url_of_this_machine_is_a_path(tmp_path: Path) -> None:
    (tmp_path / "a b.png").touch()
    (tmp_path / "c%20d.png").touch()
    assert file_path((tmp_path / "a b.png").as_uri()) == str(tmp_path / "a b.png")
    assert file_path(f"file://localhost{tmp_path}/a b.png") == f"{tmp_path}/a b.png"
    assert file_path(f"FILE:{tmp_path}/c%20d.png") == f"{tmp_path}/c%20d.png"
    assert file_path("local:///") == "/"
    assert [file_path(other) for other in ("/a", "file:a", "s3://a/b", "files")] == [None] * 4
