import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image
from starlette.requests import Request
from starlette.responses import Response

import imgsim
from dashboards.services import originals
from dashboards.services.models import registry
from dashboards.services.models.loaded_model import Loaded
from imgsim.decoding.decode import decode
from imgsim.images.collection_root import note_root
from imgsim.images.table import ImageTable
from tests.dashboard_pictures import encoded, halves

WIDE, TURNED, PLAIN = 0, 1, 2


class Holder:
    """What is asked of a model here: its images."""

    def __init__(self, images: ImageTable) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three pictures: one wider than is shown, one that its EXIF turns, and a PNG."""
    made = tmp_path / "photos" / "a"
    made.mkdir(parents=True)
    exif = Image.Exif()
    exif[274] = 6  # a quarter turn to the right
    halves(60, 3000).save(made / "1.jpg")
    halves().save(made / "2.jpg", exif=exif)
    halves().save(made / "3.png")
    return made.parent


@pytest.fixture
def stored(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loaded]:
    """A version of those pictures, on the machine that has them."""
    monkeypatch.setenv("IMGSIM_HOME", str(tmp_path / "home"))
    images = imgsim.load_images(folder, progress=False)
    note_root(tmp_path / "home", "photos", images.root)
    found = Loaded("imgsim-photos", "1", "photos-token", cast(Any, Holder(images)))
    registry.MODELS.clear()
    registry.MODELS.get(found.token, lambda: found)
    yield found
    registry.MODELS.clear()


def ask(token: str, row: int, longest: int = originals.FITTED) -> Response:
    place = {"token": token, "row": row, "longest": longest}
    return asyncio.run(originals.answer(Request({"type": "http", "path_params": place})))


def test_an_original_is_reduced_to_what_is_shown(stored: Loaded):
    assert originals.original_url(stored, WIDE) == "originals/photos-token/0/2048.jpg"
    assert originals.problem(stored, WIDE) is None
    answer = ask(stored.token, WIDE)
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["content-security-policy"] == "default-src 'none'"
    assert decode(bytes(answer.body)).shape == (41, 2048, 3)
    assert decode(bytes(ask(stored.token, WIDE, originals.WHOLE).body)).shape == (60, 3000, 3)


def test_it_stands_upright(stored: Loaded):
    shown = decode(bytes(ask(stored.token, TURNED).body))
    assert shown.shape == (120, 80, 3), "the file is 120 wide and 80 high"
    assert shown[:40, :, 0].mean() > shown[80:, :, 0].mean() + 100, "its left half, which is red, is above"


def test_pixels_are_those_of_the_file(stored: Loaded):
    shown = decode(bytes(ask(stored.token, PLAIN).body)).astype(int)
    assert np.abs(shown - np.asarray(halves()).astype(int)).mean() < 6


def test_another_file_of_that_name_is_not_shown(stored: Loaded, folder: Path):
    other = encoded(Image.new("RGB", (120, 80)), "BMP")
    path = folder / "a" / "3.png"
    size = path.stat().st_size
    path.write_bytes(other[:size].ljust(size, b"\0"))
    assert originals.problem(stored, PLAIN) == originals.CHANGED, "of as many bytes"
    path.write_bytes(other)
    assert originals.problem(stored, PLAIN) == originals.CHANGED
    assert ask(stored.token, PLAIN).status_code == 404


def test_a_file_that_is_gone(stored: Loaded, folder: Path):
    (folder / "a" / "1.jpg").unlink()
    assert originals.problem(stored, WIDE) == originals.GONE
    assert ask(stored.token, WIDE).status_code == 404
    shutil.rmtree(folder)
    assert originals.problem(stored, TURNED) == originals.GONE


def test_what_is_no_file_is_not_read(stored: Loaded, folder: Path):
    path = folder / "a" / "3.png"
    path.unlink()
    path.mkdir()
    assert originals.problem(stored, PLAIN) in (originals.CHANGED, originals.UNREADABLE)
    assert ask(stored.token, PLAIN).status_code == 404


def test_a_machine_that_does_not_know_the_folder(stored: Loaded):
    stored.name = "imgsim-other"
    assert originals.problem(stored, WIDE) == ""
    assert ask(stored.token, WIDE).status_code == 404


@pytest.mark.parametrize("path", ["../secret.png", "a/../../secret.png"])
def test_no_path_leads_out_of_the_folder(stored: Loaded, folder: Path, path: str):
    data = (folder / "a" / "3.png").read_bytes()
    (folder.parent / "secret.png").write_bytes(data)
    table = stored.model.images.table
    paths = [*table["path"].to_pylist()[:PLAIN], path]
    place = table.column_names.index("path")
    stored.model.images = ImageTable(table.set_column(place, table.schema.field(place), [paths]))
    assert originals.problem(stored, PLAIN) == ""
    assert originals.problem(stored, WIDE) is None, "the other files are shown"


def test_what_is_not_there(stored: Loaded):
    assert ask(stored.token, len(stored)).status_code == 404
    assert ask("other", WIDE).status_code == 404
    assert ask(stored.token, WIDE, 100_000).status_code == 404, "nobody chooses how large"
