"""The ONNX file of a version: made and verified when it is asked for."""

import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dashboards.services.models.loaded_model import Loaded
from dashboards.views.phone_app import onnx_file
from imgsim.errors import OnnxModelError
from imgsim.mlflow.version import Version
from imgsim.onnx_model import OnnxModel, build

VERSION = Version("imgsim-tiny", "3", (), datetime(2026, 1, 1, tzinfo=UTC), {}, {}, None, None)


def test_the_zip_holds_a_file_that_runs_and_its_references(loaded: Loaded, home: Path, tmp_path: Path):
    path = onnx_file.archive(Loaded("imgsim-tiny", "3", "onnx-token", loaded.model), VERSION)
    assert path.is_relative_to(home)
    assert zipfile.ZipFile(path).namelist() == ["tiny/tiny.onnx", "tiny/tiny.onnx.references.json"]
    zipfile.ZipFile(path).extractall(tmp_path)
    assert OnnxModel(tmp_path / "tiny" / "tiny.onnx").outputs == {"distance": f"float32 [{len(loaded.model)}]"}
    assert [item.name for item in path.parent.iterdir()] == [path.name], "nothing else stays"


def test_a_file_that_disagrees_is_not_given_out(loaded: Loaded, home: Path, monkeypatch: pytest.MonkeyPatch):
    made = build.add_resize
    monkeypatch.setattr(
        build, "add_resize", lambda part, *rest: part.add("Transpose", made(part, *rest), perm=[0, 2, 1, 3])
    )
    with pytest.raises(OnnxModelError, match="disagrees with Python"):
        onnx_file.archive(Loaded("imgsim-tiny", "3", "wrong-token", loaded.model), VERSION)
    assert not list((home / "dashboard" / "onnx").iterdir())


def test_how_to_make_it():
    assert onnx_file.command(VERSION) == "imgsim export models:/imgsim-tiny/3 tiny.onnx --ids path\n"
