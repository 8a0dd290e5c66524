"""A scan reads what changed, and only that: folders, archives and services; the memory behind it may fail."""

import os
import sqlite3
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from imgsim import load_images
from imgsim.decoding import version
from imgsim.images.listing import Entry
from imgsim.images.read_files import LocalFiles, RemoteFiles
from imgsim.images.scanning import memory, stamp
from tests.sample_images import copy_sample


@pytest.fixture
def photos(tmp_path: Path, settled: None) -> Path:
    """A folder of 40 pictures."""
    return copy_sample(tmp_path / "photos")


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files count as settled at once: no test waits two seconds."""
    monkeypatch.setattr(stamp, "SETTLED", -1.0)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that are read, in order."""
    seen: list[str] = []
    for kind in (LocalFiles, RemoteFiles):

        def read(self, path, real=kind.read):
            seen.append(path)
            return real(self, path)

        monkeypatch.setattr(kind, "read", read)
    return seen


def opened_by(code: str, folder: Path) -> set[str]:
    """Run code in a process of its own; return the names of files below ``folder`` that it opened."""
    watch = (
        "import sys\n"
        "sys.addaudithook(lambda event, given: event == 'open' and isinstance(given[0], str)\n"
        f"    and given[0].startswith({str(folder)!r}) and sys.stderr.write(given[0] + '\\n'))\n"
    )
    done = subprocess.run([sys.executable, "-c", watch + code], capture_output=True, text=True, check=True)
    return {Path(line).name for line in done.stderr.splitlines() if line.startswith(str(folder))}


def test_what_did_not_change_is_not_read_again(photos: Path, reads: list[str]) -> None:
    first = load_images(photos)
    assert sorted(reads) == sorted(first.paths)
    reads.clear()
    again = load_images(photos)
    assert reads == []
    assert again.table.equals(first.table)
    assert again.digest == first.digest


def test_a_second_process_opens_no_picture(tmp_path: Path) -> None:
    photos = copy_sample(tmp_path / "photos")
    time.sleep(stamp.SETTLED + 0.2)
    code = f"import imgsim; imgsim.load_images({str(photos)!r})"
    assert len(opened_by(code, photos)) == 40
    assert opened_by(code, photos) == set()


def test_a_file_that_changed_just_now_is_not_trusted(tmp_path: Path, reads: list[str]) -> None:
    photos = copy_sample(tmp_path / "photos")
    assert LocalFiles(str(photos)).stamp(Entry(load_images(photos).paths[0])) is None
    reads.clear()
    assert len(load_images(photos)) == len(reads) == 40


@pytest.mark.skipif(os.name == "nt", reason="Windows has no time of the inode's last change")
def test_other_bytes_of_the_same_size_and_modification_time_are_seen(photos: Path, reads: list[str]) -> None:
    before = load_images(photos)
    path = photos / before.paths[0]
    times, data = path.stat(), path.read_bytes()
    path.write_bytes(data[:-3] + bytes([data[-3] ^ 1]) + data[-2:])
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (times.st_size, times.st_mtime_ns)
    reads.clear()
    after = load_images(photos)
    assert reads == [before.paths[0]]
    assert [a == b for a, b in zip(after.sha256, before.sha256, strict=True)].count(False) == 1


def test_another_file_put_in_its_place_is_seen(photos: Path, reads: list[str]) -> None:
    before = load_images(photos)
    one, other = (photos / path for path in before.paths[:2])
    other.replace(one)
    reads.clear()
    after = load_images(photos)
    assert reads == [before.paths[0]]
    assert after.sha256[0] == before.sha256[1]


def test_a_file_that_changes_while_it_is_read_is_not_remembered(
    photos: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = load_images(photos).paths[0]
    (photos / path).touch()
    real = LocalFiles.read

    def read(self, path):
        found = real(self, path)
        (photos / path).touch()
        return found

    with monkeypatch.context() as changing:
        changing.setattr(LocalFiles, "read", read)
        load_images(photos)
    reads.clear()
    load_images(photos)
    assert reads == [path]


def test_rehash_reads_all_files_and_remembers_them(photos: Path, reads: list[str]) -> None:
    load_images(photos, rehash=True)
    assert len(reads) == 40
    load_images(photos, rehash=True)
    assert len(reads) == 80
    load_images(photos)
    assert len(reads) == 80


def test_a_rejected_file_is_tried_each_time(photos: Path, reads: list[str]) -> None:
    (photos / "broken.jpg").write_bytes(b"\xff\xd8\xff broken")
    first = load_images(photos)
    reads.clear()
    assert load_images(photos).rejected.equals(first.rejected)
    assert reads == ["broken.jpg"]


def test_another_decoding_version_reads_again(photos: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    load_images(photos)
    reads.clear()
    monkeypatch.setitem(version.RULES, "JPEG", 99)
    version.decoding_version.cache_clear()
    memory._kinds.cache_clear()
    try:
        load_images(photos)
        assert len(reads) == 40
        load_images(photos)
        assert len(reads) == 40
    finally:
        version.decoding_version.cache_clear()
        memory._kinds.cache_clear()


def test_an_archive_is_read_again_when_it_is_another(photos: Path, reads: list[str], tmp_path: Path) -> None:
    def pack(names: list[Path]) -> None:
        with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
            for name in names:
                archive.write(name, name.name)

    names = sorted(photos.rglob("*.jpg"))
    pack(names)
    first = load_images(tmp_path / "photos.zip")
    reads.clear()
    assert load_images(tmp_path / "photos.zip").table.equals(first.table)
    assert reads == []
    pack(names[1:])
    assert len(load_images(tmp_path / "photos.zip")) == len(reads) == 39


def test_a_damaged_memory_is_kept_aside_and_begun_anew(photos: Path, reads: list[str], home: Path) -> None:
    (home / "scans.db").write_bytes(b"no database " * 500)
    with pytest.warns(UserWarning, match=r"scans\.db.* cannot be used .*kept as scans\.db\.damaged"):
        first = load_images(photos)
    load_images(photos)
    assert len(reads) == 80
    assert load_images(photos).table.equals(first.table)
    assert len(reads) == 80


def test_a_locked_memory_is_done_without(
    photos: Path, reads: list[str], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "PATIENCE", 0.05)
    load_images(photos)
    path = sorted(photos.rglob("*.jpg"))[0]
    path.write_bytes(path.read_bytes() + b"\0")
    reads.clear()
    with sqlite3.connect(home / "scans.db", isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.warns(UserWarning, match=r"scans\.db.*locked"):
            assert len(load_images(photos)) == 40
        other.execute("ROLLBACK")
    other.close()
    assert len(reads) == 1  # readers need no lock


def test_a_home_that_cannot_be_written_is_done_without(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("IMGSIM_HOME", str(tmp_path / "file" / "home"))
    assert len(load_images(photos)) == 40


def test_several_processes_share_a_new_memory(photos: Path, home: Path) -> None:
    code = (
        "import imgsim; from imgsim.images.scanning import stamp; stamp.SETTLED = -1.0\n"
        f"assert len(imgsim.load_images({str(photos)!r})) == 40"
    )
    running = [subprocess.Popen([sys.executable, "-W", "error", "-c", code], stderr=subprocess.PIPE) for _ in range(4)]
    assert [(process.communicate()[1], process.returncode) for process in running] == [(b"", 0)] * 4
    with sqlite3.connect(home / "scans.db") as records:
        assert records.execute("SELECT count(*) FROM files").fetchone() == (40,)
        assert records.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    records.close()


def test_the_memory_stays_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = memory.Content("ab" * 32, 10, 4, 3, "PNG", 1)
    keys = [memory.key_of("/a.png", str(i)) for i in range(3000)]
    monkeypatch.setattr(memory, "MOST_BYTES", 60_000)
    for start in range(0, 3000, 100):
        with memory.open_memory(tmp_path / "scans.db") as opened:
            opened._today = start  # days later
            for key in keys[start : start + 100]:
                opened.add(key, content)
            assert opened.find(keys[start : start + 100])[0] is None  # written at the end
    with memory.open_memory(tmp_path / "scans.db") as opened:
        found = [opened.find(keys[start : start + 100]) for start in range(0, 3000, 100)]
    assert found[-1] == [content] * 100
    assert found[0] == [None] * 100
    assert (tmp_path / "scans.db").stat().st_size < 120_000


def test_forgotten_contents_leave_no_trace(photos: Path, reads: list[str], home: Path) -> None:
    images = load_images(photos)
    assert bytes.fromhex(images.sha256[0]) in (home / "scans.db").read_bytes()
    memory.forget(images.sha256[:1])
    assert bytes.fromhex(images.sha256[0]) not in (home / "scans.db").read_bytes()
    reads.clear()
    load_images(photos)
    assert reads == images.paths[:1]


@pytest.mark.parametrize(
    ("info", "trusted"),
    [
        ({"size": 3, "ETag": '"a"', "LastModified": 50.0}, True),
        ({"size": 3, "mtime": 50.0}, True),
        ({"size": 3, "generation": "7"}, True),
        ({"size": 3, "created": 50.0}, False),  # a service may keep it when the content is another
        ({"size": 3}, False),
        ({"size": 3, "ETag": '"a"', "LastModified": 99.0}, False),  # changed just before it was listed at 100
    ],
)
def test_which_listings_can_be_trusted(info: dict, trusted: bool) -> None:
    assert (stamp.listed_stamp(info, 100.0) is not None) == trusted


def test_stamps_of_services_differ_by_all_they_tell() -> None:
    info = {"size": 3, "ETag": '"a"', "LastModified": 50.0}
    stamps = {stamp.listed_stamp(info | change, 100.0) for change in (
        {}, {"size": 4}, {"ETag": '"b"'}, {"LastModified": 51.0}, {"VersionId": "v"},
    )}  # fmt: skip
    assert len(stamps) == 5
