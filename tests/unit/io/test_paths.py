"""``~`` is the home folder, and the start of a name where such a file is."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import imgsim
from imgsim.io.paths import absolute, expand


def test_home_folders_and_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    assert expand("~") == tmp_path / "home"
    assert expand(Path("~/a/~b")) == tmp_path / "home/a/~b"
    assert expand("~no such user/a") == Path("~no such user/a")
    assert absolute("a/../b") == tmp_path / "a/../b"
    (tmp_path / "~root").touch()
    assert expand("~root") == Path("~root")
    assert expand("/~root") == Path("/~root")


def test_paths_of_the_library_begin_with_a_tilde(tiny_images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    shutil.copytree(tiny_images / "torus", tmp_path / "torus")
    images = imgsim.load_images("~/torus")
    for name in ("t.parquet", "t.csv"):
        images.save(f"~/{name}")
        assert imgsim.load_images(f"~/{name}").paths == images.paths
        assert len(imgsim.ImageTable.load(f"~/{name}")) == len(images)
    images.save_rejected("~/r.parquet")
    model = imgsim.create(embeddings=imgsim.load_images("~/t.parquet").ids[:, None].astype("f4"), progress=False)
    model.save("~/m")
    assert len(imgsim.load_model("~/m")) == len(images)
    assert {path.name for path in tmp_path.iterdir()} == {"torus", "t.parquet", "t.csv", "r.parquet", "m"}


def test_names_that_begin_with_a_tilde(tiny_images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    source = sorted(tiny_images.rglob("*.jpg"))
    for name, path in zip(("~backup.jpg", "~root.jpg", "1.jpg"), source, strict=False):
        shutil.copy(path, name)
    (tmp_path / "list.csv").write_text("path\n~backup.jpg\n")
    names = sorted(path.name for path in tmp_path.glob("~*"))
    assert imgsim.load_images(names).paths == names == ["~backup.jpg", "~root.jpg"]
    for given in ("~backup.jpg", Path("~backup.jpg"), "list.csv", ["~backup.jpg"]):
        assert imgsim.load_images(given).paths == ["~backup.jpg"]


def test_a_removed_current_folder_is_named() -> None:
    code = (
        "import os, tempfile, imgsim\n"
        "imgsim.load_images\n"  # numpy cannot be imported in a folder that is gone
        "folder = tempfile.mkdtemp(); os.chdir(folder); os.rmdir(folder)\n"
        "try: imgsim.load_images('photos')\n"
        "except imgsim.ImgsimError as error: print(error)"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(imgsim.__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("photos: the current folder")
