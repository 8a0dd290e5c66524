import uuid
from pathlib import Path

import fsspec
import pytest

from imgsim.io.object_store import LocalParts, Parts, RemoteParts


def content(read) -> bytes:
    return read.read_bytes() if isinstance(read, Path) else read.getvalue()


@pytest.fixture(params=["local", "remote"])
def parts(request, tmp_path) -> Parts:
    if request.param == "local":
        return LocalParts(tmp_path / "none yet" / "a")
    return RemoteParts(f"memory://{uuid.uuid4().hex}/a")


def test_what_is_written_is_there(parts):
    assert parts.names() == []
    parts.write("b.parquet", b"second")
    parts.write("a.parquet", b"first")
    assert parts.names() == ["a.parquet", "b.parquet"]
    assert content(parts.read("a.parquet")) == b"first"
    assert parts.where("a.parquet").endswith("/a/a.parquet")


def test_what_is_missing_is_an_error_of_files(parts):
    with pytest.raises(OSError, match=r"b\.parquet"):
        content(parts.read("b.parquet"))


def test_what_is_being_written_is_not_there(tmp_path):
    (tmp_path / ".a.parquet.0123.tmp.parquet").write_bytes(b"half")
    assert LocalParts(tmp_path).names() == []


def test_errors_of_a_service_become_errors_of_files(monkeypatch):
    parts = RemoteParts(f"memory://{uuid.uuid4().hex}")

    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("access denied")

    for name in ("ls", "cat_file", "pipe_file"):
        monkeypatch.setattr(fsspec.filesystem("memory"), name, refuse)
    for ask in (parts.names, lambda: parts.read("a"), lambda: parts.write("a", b"")):
        with pytest.raises(OSError, match="access denied"):
            ask()
