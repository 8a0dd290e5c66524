"""Pictures in archives: each with its own bytes, however many threads read, under every form of address."""

import hashlib
import tarfile
import zipfile
from io import BytesIO
from pathlib import Path

import fsspec
import numpy as np
import pytest
from PIL import Image

from imgsim.errors import SourceError
from imgsim.images.load import load_images
from imgsim.images.table import ImageTable

TARS = {".tar": "w", ".tar.gz": "w:gz", ".tgz": "w:gz", ".tar.bz2": "w:bz2", ".tar.xz": "w:xz"}


def picture(seed: int) -> bytes:
    buffer = BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (30 + seed % 9, 40, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


PICTURES = {f"{('cats', 'dogs')[i % 2]}/{i:03}.png": picture(i) for i in range(120)}


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archives")
    for suffix, mode in TARS.items():
        with tarfile.open(folder / f"a{suffix}", mode) as tar:
            for name, data in reversed(PICTURES.items()):
                info = tarfile.TarInfo(name)
                info.size, info.mtime = len(data), -5 if mode == "w" else 10**13  # outside the calendar
                tar.addfile(info, BytesIO(data))
    with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in PICTURES.items():
            archive.writestr(name, data)
        archive.writestr("__MACOSX/cats/._000.png", b"x")
        archive.writestr("list.csv", "path,label\ncats/000.png,x\ndogs/001.png,y\n")
    with zipfile.ZipFile(folder / "outer.zip", "w") as archive:
        archive.write(folder / "a.tar", "in/a.tar")
    return folder


def right(images: ImageTable, start: str = "") -> int:
    """Count the pictures with their own bytes, at reading and again later."""
    found = zip(images.paths, images.sha256, strict=True)
    assert not len(images.rejected)
    assert images.read_bytes(len(images) - 1) == PICTURES[start + images.paths[-1]]
    return sum(hashlib.sha256(PICTURES[start + path]).hexdigest() == sha for path, sha in found)


@pytest.mark.parametrize("name", [f"a{suffix}" for suffix in TARS] + ["a.zip"])
def test_every_picture_has_its_own_bytes(archives: Path, name: str) -> None:
    kind = "zip" if name.endswith("zip") else "tar"
    images = load_images(f"{kind}://::{archives / name}")
    assert right(images) == len(PICTURES)
    assert images.labels_from == "names of folders"
    assert images.location(0) == f"{kind}://{images.paths[0]}::{archives / name}"
    assert right(load_images(f"{kind}://cats/*.png::{archives / name}"), "cats/") == 60
    assert right(load_images(f"{kind}://**/*0.png::{archives / name}")) == 12
    assert load_images(images.location(7)).sha256 == images.sha256[7:8]


@pytest.mark.parametrize("name", [f"a{suffix}" for suffix in TARS] + ["a.zip"])
def test_an_archive_alone_is_a_source(archives: Path, name: str) -> None:
    images = load_images(archives / name)
    assert right(images) == len(PICTURES)
    assert len(load_images(str(archives / name), exclude="cats")) == 60


@pytest.mark.parametrize("suffix", TARS)
def test_names_as_tar_writes_them_for_a_dot(tmp_path: Path, suffix: str) -> None:
    with tarfile.open(tmp_path / f"a{suffix}", TARS[suffix]) as tar:
        for name, data in list(PICTURES.items())[:9]:
            info = tarfile.TarInfo(f"./{name}")
            info.size = len(data)
            tar.addfile(info, BytesIO(data))
    images = load_images(tmp_path / f"a{suffix}")
    assert right(images) == 9
    assert right(load_images(f"tar://cats::{tmp_path}/a{suffix}"), "cats/") == 5


def test_names_as_windows_writes_them(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name, data in list(PICTURES.items())[:9]:
            info = zipfile.ZipInfo(name)
            info.filename = name.replace("/", "\\")
            archive.writestr(info, data)
    images = load_images(tmp_path / "a.zip")
    assert right(images) == 9
    assert set(images.labels) == {"cats", "dogs"}


def test_other_forms_of_address(archives: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(archives)
    monkeypatch.setenv("HOME", str(archives))
    for address in ("zip::a.zip", "zip://::~/a.zip", f"zip::file://{archives}/a.zip"):
        assert right(load_images(address)) == 120
    assert right(load_images("zip://dogs::a.zip"), "dogs/") == 60
    assert right(load_images("tar://::zip://in/a.tar::outer.zip")) == 120
    two = load_images(["zip://cats/000.png::a.zip", "tar://dogs/001.png::a.tar.gz"])
    assert [two.read_bytes(row) for row in (0, 1)] == [PICTURES["cats/000.png"], PICTURES["dogs/001.png"]]


def test_a_table_and_a_skipped_folder_inside(archives: Path) -> None:
    images = load_images(f"zip://list.csv::{archives}/a.zip")
    assert (images.paths, images.labels) == (["cats/000.png", "dogs/001.png"], ["x", "y"])
    skipped = load_images(f"zip://::{archives}/a.zip").skipped_files
    assert skipped["path"].tolist() == ["__MACOSX/cats/._000.png", "list.csv"]


def test_an_archive_in_a_bucket(archives: Path) -> None:
    fsspec.filesystem("memory").pipe_file("/bucket/a.zip", (archives / "a.zip").read_bytes())
    try:
        assert right(load_images("zip://cats/*.png::memory://bucket/a.zip"), "cats/") == 60
        assert right(load_images("memory://bucket/a.zip")) == len(PICTURES)
    finally:
        fsspec.filesystem("memory").rm("/bucket", recursive=True)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("zip://*.gif::{}/a.zip", "no such file"),
        ("zip://cats/none.png::{}/a.zip", "no such file"),
        ("zip://::{}/none.zip", "no such file"),
        ("tar://::{}/a.zip", "cannot be opened"),
        ("zip://::{}/a.tar", "cannot be opened"),
        ("tar://::{}/cut.tar.gz", "cannot be opened"),
    ],
)
def test_errors_name_the_address(archives: Path, address: str, reason: str) -> None:
    (archives / "cut.tar.gz").write_bytes((archives / "a.tar.gz").read_bytes()[:3000])
    with pytest.raises(SourceError, match=reason) as caught:
        load_images(address.format(archives))
    assert address.format(archives) in str(caught.value)
