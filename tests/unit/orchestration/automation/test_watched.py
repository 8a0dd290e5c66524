"""Watched folders: their names, and digests of the images that would be read."""

import os

import pytest

import imgsim
from imgsim.errors import ArgumentError, SourceError
from orchestration.automation.watched import NOTHING, folder_digest, folder_of, interval_seconds, watched_folders


def test_folders_are_named_as_the_command_names_them(tmp_path):
    for name in ("shells", "Garden Party", "garden.party", ".hidden", "写真"):
        (tmp_path / name).mkdir()
    (tmp_path / "linked").symlink_to(tmp_path / "shells")
    (tmp_path / "file.jpg").write_bytes(b"")
    (tmp_path / "loop").symlink_to("loop")
    folders, problems = watched_folders(tmp_path)
    names = {name: [path.name for path in paths] for name, paths in folders.items()}
    assert names == {
        "shells": ["shells"],
        "linked": ["linked"],
        "garden-party": ["Garden Party", "garden.party"],
        "images-9c3250ff": ["写真"],
    }
    assert len(problems) == 1
    assert "loop" in problems[0]
    assert folder_of(tmp_path, "garden-party") == tmp_path / "Garden Party"
    assert folder_of(tmp_path, "none") == tmp_path / "none"


def test_digest_sees_renames_sizes_and_times(tmp_path):
    assert folder_digest(tmp_path) == NOTHING
    file = tmp_path / "a.jpg"
    file.write_bytes(b"1")
    seen = [folder_digest(tmp_path)]
    assert folder_digest(tmp_path) == seen[0]
    os.utime(file, ns=(1, 1))
    seen.append(folder_digest(tmp_path))
    file.rename(tmp_path / "b.jpg")
    seen.append(folder_digest(tmp_path))
    (tmp_path / "b.jpg").write_bytes(b"22")
    seen.append(folder_digest(tmp_path))
    assert len(set(seen)) == len(seen)


def test_digest_sees_what_load_images_reads(tmp_path, tiny_images):
    """Linked folders and files, no hidden ones; a link that leads to itself is one file that cannot be read."""
    folder, other = tmp_path / "watched", tmp_path / "other"
    folder.mkdir()
    other.mkdir()
    picture = next(tiny_images.rglob("*.jpg")).read_bytes()
    (folder / "a.jpg").write_bytes(picture)
    (folder / "loop.jpg").symlink_to("loop.jpg")
    (folder / "linked").symlink_to(other)
    for step, (path, watched) in enumerate(
        [(other / "b.jpg", True), (folder / ".hidden.jpg", False), (folder / "notes.txt", False)]
    ):
        before, read = folder_digest(folder), len(imgsim.load_images(folder))
        path.write_bytes(picture)
        assert (folder_digest(folder) != before) == watched, step
        assert len(imgsim.load_images(folder)) == read + watched


def test_a_folder_that_is_gone_is_named(tmp_path):
    with pytest.raises(SourceError, match="gone: there is no such folder"):
        folder_digest(tmp_path / "gone")


@pytest.mark.parametrize("given", ["abc", "0", "-1", "0.5", "100000"])
def test_seconds_that_are_none_are_refused(monkeypatch, given):
    monkeypatch.setenv("IMGSIM_WATCH_SECONDS", given)
    with pytest.raises(ArgumentError, match=f"IMGSIM_WATCH_SECONDS is '{given}': give a whole number"):
        interval_seconds()


def test_seconds_have_a_default(monkeypatch):
    monkeypatch.delenv("IMGSIM_WATCH_SECONDS", raising=False)
    assert interval_seconds() == 30
