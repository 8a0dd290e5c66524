"""``imgsim export`` to an ONNX file: what it prints and writes, and which options are Core ML's alone."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import imgsim
from imgsim.cli import app
from imgsim.deployment.metadata import IDS
from imgsim.onnx_model import OnnxModel


def run(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(app, ["export", *(str(argument) for argument in arguments)])
    assert result.exit_code == code, result.output
    return result


@pytest.fixture(scope="module")
def saved(tiny_model: imgsim.SimilarityModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli") / "tiny.imgsim"
    tiny_model.save(folder)
    return folder


def test_the_suffix_chooses_the_format(saved: Path, tmp_path: Path):
    target = tmp_path / "Tiny.onnx"
    shown = run(saved, target, "--ids", "path", "--verify", "2").stdout
    assert "image: uint8 [height, width, 3]" in shown
    assert "distance: float32 [40]" in shown
    assert "passed: it agrees with Python." in " ".join(shown.split())
    assert json.loads(OnnxModel(target).metadata[IDS]) == imgsim.load_model(saved).images.paths
    assert sorted(path.name for path in tmp_path.iterdir()) == ["Tiny.onnx", "Tiny.onnx.references.json"]
    assert "give --overwrite" in run(saved, target, code=1).stderr
    options = ("--overwrite", "--fixed-size", "--outputs", "topk", "-k", "3", "--compress", "int8", "--json")
    found = json.loads(run(saved, target, *options).stdout, parse_constant=pytest.fail)
    assert found["inputs"] == {"image": "uint8 [96, 96, 3]"}
    assert found["outputs"] == {"indices": "int32 [3]", "distances": "float32 [3]"}
    assert found["verification"]["status"] == "passed"


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("x.onnx", ("--precision", "mixed"), "--precision is for Core ML"),
        ("x.onnx", ("--minimum-target", "iOS17"), "--minimum-target is for Core ML"),
        ("x.onnx", ("--backbone", "mini"), "--backbone is for Core ML"),
        ("x.onnx", ("--outputs", "classifier"), "outputs must be one of distance, topk, features"),
        ("x.mlpackage", ("--fixed-size",), "--fixed-size is for ONNX"),
        ("x.zip", (), "must end in"),
    ],
)
def test_wrong_options_write_nothing(saved: Path, tmp_path: Path, name: str, options: tuple[str, ...], message: str):
    assert message in run(saved, tmp_path / name, *options, code=1).stderr
    assert list(tmp_path.iterdir()) == []
