import uuid

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from imgsim.io.object_store import LocalParts, Parts, RemoteParts
from imgsim.io.ranges import Range


def write(parts: Parts, name: str, data: bytes) -> None:
    with parts.write(name) as path:
        path.write_bytes(data)


@pytest.fixture(params=["local", "remote"])
def parts(request, tmp_path) -> Parts:
    if request.param == "local":
        return LocalParts(tmp_path / "none yet" / "a")
    return RemoteParts(f"memory://{uuid.uuid4().hex}/a")


def test_what_is_written_is_there(parts):
    assert parts.sizes() == {}
    write(parts, "b.parquet", b"second")
    write(parts, "a.parquet", b"first")
    assert parts.sizes() == {"a.parquet": 5, "b.parquet": 6}
    assert list(parts.sizes()) == ["a.parquet", "b.parquet"]
    assert parts.read_bytes("a.parquet") == b"first"
    assert parts.where("a.parquet").endswith("/a/a.parquet")
    for _ in range(2):
        parts.remove("a.parquet")
        assert list(parts.sizes()) == ["b.parquet"]


def test_what_is_missing_is_an_error_of_files(parts):
    with pytest.raises(OSError, match=r"b\.parquet"):
        parts.read_bytes("b.parquet")


def test_a_write_that_fails_leaves_nothing(parts):
    with pytest.raises(ValueError, match="stop"), parts.write("a.parquet") as path:
        path.write_bytes(b"half")
        raise ValueError("stop")
    assert parts.sizes() == {}


def test_what_is_being_written_is_not_there(tmp_path):
    (tmp_path / ".a.parquet.0123.tmp.parquet").write_bytes(b"half")
    assert LocalParts(tmp_path).sizes() == {}


def test_a_folder_is_locked_by_one_at_a_time(tmp_path):
    with LocalParts(tmp_path).locked(wait=False) as mine, LocalParts(tmp_path).locked(wait=False) as other:
        assert (mine, other) == (True, False)
    with LocalParts(tmp_path).locked(wait=True) as mine:
        assert mine
    assert LocalParts(tmp_path).sizes() == {}


def test_of_a_distant_file_only_ranges_are_fetched(monkeypatch):
    parts, data = RemoteParts(f"memory://{uuid.uuid4().hex}"), bytes(range(256)) * 1000
    write(parts, "a", data)
    fetched: list[Range] = []
    original = MemoryFileSystem.cat_file

    def counting(memory: MemoryFileSystem, path: str, start: int, end: int) -> bytes:
        fetched.append((start, end))
        return original(memory, path, start, end)

    monkeypatch.setattr(MemoryFileSystem, "cat_file", counting)
    file = parts.open("a", len(data), [(100_000, 100_010), (100_020, 100_030), (50, 60)])
    assert fetched == [(50, 60), (100_000, 100_030)]
    for start, size in ((52, 3), (100_005, 20), (200_000, 7), (len(data) - 3, 9)):
        file.seek(start)
        assert file.read(size) == data[start : start + size]
    assert fetched[2:] == [(200_000, 200_007), (len(data) - 3, len(data))]


def test_errors_of_a_service_become_errors_of_files(monkeypatch):
    parts = RemoteParts(f"memory://{uuid.uuid4().hex}")

    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("access denied")

    for name in ("ls", "cat_file", "put_file"):
        monkeypatch.setattr(MemoryFileSystem, name, refuse)
    for ask in (parts.sizes, lambda: parts.open("a", 9, [(0, 9)]), lambda: write(parts, "a", b"")):
        with pytest.raises(OSError, match="access denied"):
            ask()
