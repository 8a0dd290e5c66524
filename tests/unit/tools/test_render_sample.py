"""The program that renders the sample."""

import io
import json
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
import typer
from PIL import Image, ImageOps
from typer.testing import CliRunner, Result

from imgsim.errors import ArgumentError
from imgsim.sample.unpack import MARKER, REPEATED
from tools.render_sample import KINDS, MESSY, render_sample
from tools.render_sample.__main__ import main
from tools.render_sample.folder import draw, encode

PROJECT = Path(__file__).resolve().parents[3]
SOME = ("dice", "mug", "wood")


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render_sample(tmp_path_factory.mktemp("sample") / "small", views=3, kinds=SOME, size=64)


def pictures(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.glob("*/*"))}


def test_one_folder_per_kind_with_numbered_views(sample: Path) -> None:
    regular = [name for name in pictures(sample) if Path(name).name not in MESSY]
    assert regular == [f"{kind}/{kind}_{view:02d}.jpg" for kind in SOME for view in range(3)]


def test_there_are_24_kinds_in_order() -> None:
    assert len(KINDS) == len(set(KINDS)) == 24
    assert list(KINDS) == sorted(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_draws_a_picture_with_something_in_it(kind: str) -> None:
    picture = draw(kind, 0, size=48)
    assert picture.dtype == np.uint8
    assert picture.shape[2:] == (3,)
    assert max(picture.shape) == 48
    assert picture.std() > 8


def test_the_same_arguments_give_the_same_bytes(sample: Path, tmp_path: Path) -> None:
    again = render_sample(tmp_path / "again", views=3, kinds=SOME, size=64)
    assert pictures(again) == pictures(sample)


def test_a_picture_does_not_depend_on_the_others(sample: Path) -> None:
    assert encode(draw("mug", 2, size=64)) == (sample / "mug/mug_02.jpg").read_bytes()


def test_views_and_seeds_differ(sample: Path) -> None:
    regular = [data for name, data in pictures(sample).items() if Path(name).name not in MESSY]
    assert len(set(regular)) == len(regular)
    assert encode(draw("mug", 2, seed=1, size=64)) != (sample / "mug/mug_02.jpg").read_bytes()


def test_the_default_sizes_vary() -> None:
    shapes = {draw("wood", view).shape[:2] for view in range(8)}
    assert len(shapes) > 2
    assert all(160 <= max(shape) <= 200 for shape in shapes)


def test_a_folder_that_exists_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").write_bytes(b"precious")
    with pytest.raises(ArgumentError, match="exists already"):
        render_sample(tmp_path, views=1, kinds=["wood"], size=32)
    assert (tmp_path / "holiday.jpg").read_bytes() == b"precious"


def test_the_command_renders_a_folder_or_an_archive_of_the_same_bytes(tmp_path: Path) -> None:
    options = ["--views", "1", "--kind", "wood", "--kind", "mug", "--size", "32"]
    command = [sys.executable, "-m", "tools.render_sample", str(tmp_path / "one.zip"), *options]
    subprocess.run(command, cwd=PROJECT, check=True, capture_output=True)
    assert rendered(tmp_path / "folder", *options).exit_code == rendered(tmp_path / "two.zip", *options).exit_code == 0
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    with ZipFile(tmp_path / "one.zip") as archive:
        packed = {name: archive.read(name) for name in archive.namelist()}
    assert json.loads(packed.pop(MARKER))["kinds"] == ["wood", "mug"]
    assert packed == pictures(tmp_path / "folder")
    done = rendered(tmp_path / "folder")
    assert (done.exit_code, done.stderr.split(":")[0]) == (1, "error")


def rendered(target: Path, *options: str) -> Result:
    """What the command does in this process."""
    app = typer.Typer()
    app.command()(main)
    return CliRunner().invoke(app, [str(target), *options])


@pytest.mark.parametrize(
    "bad", [{"views": 0}, {"views": 101}, {"seed": -1}, {"size": 8}, {"kinds": ["unicorn"]}, {"kinds": []}]
)
def test_arguments_outside_their_domain(bad: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(ArgumentError):
        render_sample(tmp_path / "s", **bad)  # type: ignore[arg-type]
    assert not (tmp_path / "s").exists()


def messy(sample: Path, name: str) -> tuple[bytes, bytes]:
    """The bytes of one messy file and of the picture it was made from."""
    (path,) = sample.glob(f"*/{name}")
    return path.read_bytes(), (path.parent / f"{path.parent.name}_00.jpg").read_bytes()


def test_three_messy_files_cannot_be_read(sample: Path) -> None:
    empty, _ = messy(sample, "broken.jpg")
    half, original = messy(sample, "half.jpg")
    notes, _ = messy(sample, "notes.jpg")
    assert empty == b""
    assert half == original[: len(original) // 2]
    with pytest.raises(OSError, match="truncated"):
        Image.open(io.BytesIO(half)).load()
    with pytest.raises(OSError, match="cannot identify"):
        Image.open(io.BytesIO(notes))


def test_three_messy_files_repeat_a_picture(sample: Path) -> None:
    assert MESSY[3:] == REPEATED
    copy, original = messy(sample, "copy.jpg")
    assert copy == original
    for name in ("reencoded.jpg", "rotated.jpg"):
        data, original = messy(sample, name)
        assert data != original
        upright = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))), np.float32)
        expected = np.asarray(Image.open(io.BytesIO(original)), np.float32)
        assert upright.shape == expected.shape
        assert np.abs(upright - expected).mean() < 8


def test_no_messy_files_when_not_wanted(tmp_path: Path) -> None:
    folder = render_sample(tmp_path / "s", views=1, kinds=["wood", "mug"], size=32, messy=False)
    assert not [path for path in folder.rglob("*") if path.name in MESSY]
