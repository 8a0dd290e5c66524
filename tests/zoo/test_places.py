"""Folders as strangers really have them: nothing in them hangs, breaks or is lost without a word."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

import imgsim
from tests.zoo.making import jpeg, picture

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names and places")

NAMES = [
    "new\nline.jpg",
    "tab\tand\rreturn.jpg",
    "'single' \"double\" `back`.jpg",
    "<script>alert(1)</script>.jpg".replace("/", "∕"),
    "&amp; %2e%2e $HOME $(id) ;|.jpg",
    "back\\slash.jpg",
    " space at both ends .jpg",
    "-rf.jpg",
    "日本語 😀 e\u0301.jpg",
    "\u202egpj.exe.jpg",
    "CON.jpg",
    "a.b.c.jpg",
    "x" * 251 + ".jpg",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one good picture."""
    root = tmp_path / "photos"
    root.mkdir()
    (root / "good.jpg").write_bytes(jpeg())
    return root


def rejected(images: imgsim.ImageTable) -> dict[str, tuple[str, str]]:
    """Path to stage and reason."""
    return {row["path"]: (row["stage"], row["reason"]) for row in images.rejected.to_dict("records")}


@linux_only
@pytest.mark.parametrize("name", NAMES)
def test_any_name_is_read_and_kept(folder: Path, tmp_path: Path, name: str) -> None:
    (folder / name).write_bytes(jpeg(picture(32, 32)))
    images = imgsim.load_images(folder)
    assert sorted(images.paths) == sorted(["good.jpg", name])
    for suffix in ("parquet", "csv"):
        images.save(tmp_path / f"saved.{suffix}")
        again = imgsim.ImageTable.load(tmp_path / f"saved.{suffix}")
        assert again.paths == images.paths
        assert again.read_bytes(images.paths.index(name)) == jpeg(picture(32, 32))


@linux_only
def test_a_name_that_is_not_utf8_is_told(folder: Path) -> None:
    Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.jpg")).write_bytes(jpeg())
    assert rejected(imgsim.load_images(folder)) == {"caf\\xe9.jpg": ("list", "the name is not valid UTF-8: rename it")}


def _loop(at: Path) -> None:
    at.symlink_to(at.name)


def _pair_of_links(at: Path) -> None:
    at.symlink_to(at.with_name("other"))
    at.with_name("other").symlink_to(at)


def _socket(at: Path) -> None:
    server = socket.socket(socket.AF_UNIX)
    before = Path.cwd()
    os.chdir(at.parent)  # the path of a socket must be short
    server.bind(at.name)
    os.chdir(before)
    server.close()


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (_loop, "leads back to itself"),
        (_pair_of_links, "leads back to itself"),
        (lambda at: at.symlink_to("nowhere"), "dangling"),
        (lambda at: os.mkfifo(at), "a named pipe"),
        (_socket, "a socket"),
        (lambda at: at.symlink_to("/dev/zero"), "a device"),
        (lambda at: at.with_name("sub").mkdir() or at.symlink_to(at.parent), "listed already or contains this one"),
    ],
    ids=[
        "link to itself",
        "links to each other",
        "dangling link",
        "pipe",
        "socket",
        "device",
        "link to its own folder",
    ],
)
def test_what_is_no_file(folder: Path, make, reason: str) -> None:
    make(folder / "odd.jpg")
    images = imgsim.load_images(folder)
    assert images.paths == ["good.jpg"]
    stage, why = rejected(images)["odd.jpg"]
    assert stage == "list"
    assert reason in why


@pytest.mark.skipif(sys.platform != "linux", reason="drops privileges by Linux means")
def test_unreadable_files_and_folders(folder: Path) -> None:
    """As another user where the tests run as root, whom no permission stops."""
    (folder / "secret.jpg").write_bytes(jpeg())
    (folder / "secret.jpg").chmod(0)
    (folder / "locked").mkdir(mode=0)
    code = f"""
import json, os, numpy, PIL.JpegImagePlugin, pandas, pyarrow.parquet, fsspec, imgsim.images.load
if os.geteuid() == 0:
    os.setuid(65534)
images = imgsim.load_images({str(folder)!r})
print(json.dumps([list(images.paths), images.rejected.to_dict("records")]))
"""
    for parent in (folder, *folder.parents[:-2]):
        parent.chmod(parent.stat().st_mode | 0o055)
    source = str(Path(imgsim.__file__).parent.parent)
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": source},
        capture_output=True,
        text=True,
        check=False,
    )
    (folder / "locked").chmod(0o755)
    assert done.returncode == 0, done.stderr
    paths, rows = json.loads(done.stdout)
    assert paths == ["good.jpg"]
    assert [(row["path"], row["stage"]) for row in rows] == [("locked", "list"), ("secret.jpg", "read")]
    assert all("permission denied" in row["reason"] for row in rows)


def test_files_that_vanish_change_or_turn_bad_between_scan_and_decode(
    folder: Path, tiny_store: imgsim.FeatureStore
) -> None:
    for height, name in enumerate(("gone.jpg", "other.jpg", "cut.jpg", "pipe.jpg"), start=48):
        (folder / name).write_bytes(jpeg(picture(57, height)))  # pictures that no other test put in the store
    images = imgsim.load_images(folder)
    (folder / "gone.jpg").unlink()
    (folder / "other.jpg").write_bytes(jpeg(picture(10, 10)))
    (folder / "cut.jpg").write_bytes((folder / "cut.jpg").read_bytes()[:500])
    (folder / "pipe.jpg").unlink()
    os.mkfifo(folder / "pipe.jpg")
    features = imgsim.extract_features(images, imgsim.get_backbone("mini"), tiny_store)
    assert features.images.paths == ["good.jpg"]
    found = rejected(features.images)
    assert {path: stage for path, (stage, _) in found.items()} == dict.fromkeys(
        ("gone.jpg", "other.jpg", "cut.jpg", "pipe.jpg"), "read"
    )
    assert found["gone.jpg"][1] == "there is no such file"
    assert "changed after it was scanned" in found["other.jpg"][1]
    assert "changed after it was scanned" in found["cut.jpg"][1]
    assert "named pipe" in found["pipe.jpg"][1]
    again = imgsim.extract_features(imgsim.load_images(folder), imgsim.get_backbone("mini"), tiny_store)
    assert again.images.paths == ["good.jpg", "other.jpg"]  # what changed is taken as it is now


def test_a_copy_is_read_where_the_first_one_vanished(folder: Path, tiny_store: imgsim.FeatureStore) -> None:
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        (folder / name).write_bytes(jpeg(picture(61, 37)))
    images = imgsim.load_images(folder)
    (folder / "a.jpg").unlink()
    (folder / "b.jpg").write_bytes(b"changed")
    features = imgsim.extract_features(images, imgsim.get_backbone("mini"), tiny_store)
    assert features.images.paths == ["a.jpg", "b.jpg", "c.jpg", "good.jpg"]  # what was scanned is known by content


def test_files_that_vanish_while_they_are_listed(folder: Path) -> None:
    """The list is older than the reading: a file of the list may be gone."""
    listed = [folder / "good.jpg", folder / "gone.jpg"]
    images = imgsim.load_images(listed)
    assert images.paths == ["good.jpg"]
    assert rejected(images) == {"gone.jpg": ("read", "there is no such file")}


@pytest.mark.parametrize("entries", [[], ["notes.txt", ".hidden.jpg"], ["empty.jpg", "text.jpg"]])
def test_a_folder_with_nothing_usable_says_so(tmp_path: Path, entries: list[str]) -> None:
    root = tmp_path / "photos"
    root.mkdir()
    for name in entries:
        (root / name).write_bytes(b"" if name.startswith("empty") else b"words")
    images = imgsim.load_images(root)
    assert len(images) == 0
    assert len(images.rejected) + images.skipped == len(entries)
    with pytest.raises(imgsim.ImgsimError, match=r"no images|none of") as caught:
        imgsim.create(images, backbone="mini", progress=False)
    assert str(root) in str(caught.value) or "rejected" in str(caught.value)


def test_a_hundred_thousand_entries_in_one_folder(tmp_path: Path) -> None:
    """Links to one file: what counts here is their number."""
    root = tmp_path / "many"
    root.mkdir()
    (root / "00000.jpg").write_bytes(jpeg(picture(8, 8)))
    start = time.process_time()
    for number in range(1, 2_000):
        os.link(root / "00000.jpg", root / f"{number:05d}.jpg")
    for number in range(98_000):
        os.mknod(root / f"{number:05d}.txt")
    images = imgsim.load_images(root)
    assert time.process_time() - start < 60
    assert (len(images), images.skipped, len(images.rejected)) == (2_000, 98_000, 0)
    assert images.paths == sorted(images.paths)
