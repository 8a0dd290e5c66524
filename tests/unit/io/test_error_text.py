import errno
import os

import pytest

from imgsim.io.error_text import explain, is_missing, shorten, temporary_cause


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


def test_a_server_that_does_not_answer_is_no_missing_file() -> None:
    def raised(cause: Exception | None) -> FileNotFoundError:
        error = FileNotFoundError("http://host/a.png")
        error.__cause__ = cause
        return error

    class Answer(Exception):  # noqa: N818
        def __init__(self, status: int) -> None:
            super().__init__(f"status {status}.")
            self.status = status

    assert [is_missing(raised(cause)) for cause in (None, Answer(404), ValueError())] == [True] * 3
    assert explain(raised(ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"))) == "connection refused"
    assert explain(raised(Answer(403))) == "status 403"


@pytest.mark.parametrize("error", [MemoryError(), TimeoutError(), OSError(errno.EIO, ""), OSError("out of memory")])
def test_what_says_nothing_about_a_file(error: Exception) -> None:
    try:
        try:
            raise error
        except type(error) as cause:
            raise ValueError from cause
    except ValueError as wrapped:
        assert temporary_cause(wrapped) is error
    assert temporary_cause(OSError("broken data stream")) is None


def test_a_long_error_is_cut_between_words_and_says_so() -> None:
    names = RuntimeError("Missing keys:\n\t" + ", ".join(f'"layer.{i}"' for i in range(99)) + ".\n")
    assert shorten(names, 40) == 'Missing keys: "layer.0", and more'
    assert shorten(RuntimeError("too little memory.")) == "too little memory"
    assert shorten(RuntimeError()) == "RuntimeError"
