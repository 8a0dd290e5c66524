"""Which names are those of archives."""

import pytest

from imgsim.io.archives import archive_url


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("/a/photos.zip", "zip://::/a/photos.zip"),
        ("/a/Comic.CBZ", "zip://::/a/Comic.CBZ"),
        ("/a/photos.tar", "tar://::/a/photos.tar"),
        ("s3://bucket/photos.tar.gz", "tar://::s3://bucket/photos.tar.gz"),
        ("/a/photos.tgz", "tar://::/a/photos.tgz"),
        ("/a/photos.gz", None),
        ("/a/zip", None),
    ],
)
def test_the_ending_tells(path: str, url: str | None) -> None:
    assert archive_url(path) == url
