import pytest

from imgsim.errors import SourceError
from imgsim.io.urls import is_url, join, open_url


def test_urls_are_told_from_paths() -> None:
    assert is_url("s3://bucket/a")
    assert not is_url("/photos/a")


def test_a_url_is_opened_as_file_system_and_path() -> None:
    filesystem, path = open_url("memory://photos/")
    assert (filesystem.protocol, path) == ("memory", "/photos")


def test_an_unknown_kind_of_url_is_named() -> None:
    with pytest.raises(SourceError, match="nonsense://a cannot be opened"):
        open_url("nonsense://a")


@pytest.mark.parametrize(
    ("root", "path", "joined"),
    [("", "a", "a"), ("/r", "a", "/r/a"), ("/r/", "a", "/r/a"), ("s3://b", "a/c", "s3://b/a/c")],
)
def test_a_root_and_a_path_are_joined_by_one_slash(root: str, path: str, joined: str) -> None:
    assert join(root, path) == joined
