import errno
import os

import pytest

from imgsim.io.error_text import explain


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (OSError(errno.ELOOP, os.strerror(errno.ELOOP), "/a/b"), "the link leads back to itself"),
        (FileNotFoundError("s3://bucket/a"), "there is no such file"),
        (PermissionError(errno.EACCES, "Permission denied", "/a/b"), "permission denied"),
        (RuntimeError("two\n  lines"), "two lines"),
        (ValueError(), "ValueError"),
    ],
)
def test_the_reason_is_told_without_the_path(error: Exception, text: str) -> None:
    assert explain(error) == text
