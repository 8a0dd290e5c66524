"""Writing is all or nothing, also when two write the same and when a writer was killed."""

import errno
import os
import time

import pytest

from imgsim.errors import ArgumentError, WriteError
from imgsim.io import atomic
from imgsim.io.atomic import atomic_folder, atomic_path, sweep


def test_a_failed_write_leaves_what_was_there(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(OSError, match="full"), atomic_path(tmp_path / "a.txt") as temporary:
        temporary.write_text("ne")
        raise OSError("full")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.txt", "old")]


def fill_the_disk(outer, inner):
    with outer, atomic_path(inner) as path:
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device", "inner")


@pytest.mark.parametrize("writing", [atomic_path, atomic_folder])
def test_errors_of_the_disk_name_what_was_to_be_written(tmp_path, writing):
    with pytest.raises(WriteError, match="target cannot be written: no space left on device") as caught:
        fill_the_disk(writing(tmp_path / "target"), tmp_path / "inner")
    assert (caught.value.errno, isinstance(caught.value, OSError)) == (errno.ENOSPC, True)
    (tmp_path / "file").touch()
    with pytest.raises(WriteError, match="cannot be written"), writing(tmp_path / "file" / "below"):
        pass
    with pytest.raises(TimeoutError), writing(tmp_path / "other"):
        raise TimeoutError("a server's")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("at_once", [True, False])
def test_a_folder_is_replaced_whole(tmp_path, monkeypatch, at_once):
    if not at_once:  # a file system that cannot exchange two names
        monkeypatch.setattr(atomic, "_exchanged", lambda one, other: False)
    target = tmp_path / "model"
    for content in ("first", "second"):
        with atomic_folder(target, overwrite=True) as temporary:
            (temporary / content).touch()
    assert [path.name for path in target.iterdir()] == ["second"]
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_everything_is_on_disk_before_it_gets_its_name(tmp_path, monkeypatch):
    flushed = {}

    def fsync(descriptor, on_disk=os.fsync):
        flushed[os.fstat(descriptor).st_ino] = sorted(path.name for path in tmp_path.glob("[!.]*"))
        on_disk(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with atomic_path(tmp_path / "a.txt") as temporary:
        temporary.write_text("a")
    with atomic_folder(tmp_path / "model") as temporary:
        (temporary / "deep").mkdir()
        (temporary / "deep" / "b.txt").write_text("b")
    assert flushed == {
        (tmp_path / "a.txt").stat().st_ino: [],
        (tmp_path / "model" / "deep" / "b.txt").stat().st_ino: ["a.txt"],
    }


def test_this_system_exchanges_two_folders_at_once(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    (one / "a").mkdir(parents=True)
    (other / "b").mkdir(parents=True)
    assert atomic._exchanged(one, other)
    assert [path.name for path in one.iterdir()] == ["b"]
    assert [path.name for path in other.iterdir()] == ["a"]


def test_of_two_that_make_the_same_folder_the_first_is_kept(tmp_path):
    target = tmp_path / "key"
    with atomic_folder(target, or_keep=True) as slow:
        (slow / "slow").touch()
        with atomic_folder(target, or_keep=True) as fast:
            (fast / "fast").touch()
    assert [path.name for path in target.iterdir()] == ["fast"]
    with pytest.raises(ArgumentError, match="exists already"), atomic_folder(tmp_path / "other") as slow:
        (slow / "slow").touch()
        (tmp_path / "other").mkdir()
        (tmp_path / "other" / "mine").touch()
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["mine"]


def test_what_killed_writers_left_is_removed_after_a_day(tmp_path):
    old, new = atomic._sibling(tmp_path / "a.parquet"), atomic._sibling(tmp_path / "key")
    old.touch()
    new.mkdir()
    (tmp_path / "old.tmp").touch()  # not ours: it is not hidden
    yesterday = time.time() - 25 * 3600
    for path in (old, tmp_path / "old.tmp"):
        os.utime(path, (yesterday, yesterday))
    sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["old.tmp", new.name])


def test_a_folder_is_written_without_what_a_killed_writer_left_of_it(tmp_path):
    target = tmp_path / "photos.imgsim"
    old, new, other = (atomic._sibling(path) for path in (target, target, tmp_path / "photos.imgsim.copy"))
    mine = tmp_path / ".photos.imgsim.notes.tmp"
    for path in (old, new, other, mine):
        path.mkdir()
        (path / "part").touch()
    yesterday = time.time() - 25 * 3600
    for path in (old, other, mine):
        os.utime(path, (yesterday, yesterday))
    with atomic_folder(target) as folder:
        (folder / "part").touch()
    assert set(tmp_path.iterdir()) == {target, new, other, mine}


@pytest.mark.parametrize("name", ["写" * 80 + ".parquet", "v1." + "b" * 200, "a" * 255])
def test_a_name_as_long_as_the_file_system_takes(tmp_path, name):
    with atomic_path(tmp_path / name) as temporary:
        temporary.write_text("a")
    with atomic_folder(tmp_path / "below" / name) as folder:
        (folder / "b").touch()
    assert (tmp_path / name).read_text() == "a"
    assert (tmp_path / "below" / name / "b").exists()
