"""``imgsim export``: what it prints, what it writes, and its exit codes (0, 1 for an error, 2 for wrong usage)."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import imgsim
from imgsim.cli import app
from imgsim.coreml import Interpreter
from imgsim.coreml.export import build
from imgsim.deployment.metadata import IDS

pytest.importorskip("coremltools", reason="the extra coreml is not installed")


def run(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(app, ["export", *(str(argument) for argument in arguments)])
    assert result.exit_code == code, result.output
    return result


@pytest.fixture(scope="module")
def saved(tiny_model: imgsim.SimilarityModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli") / "tiny.imgsim"
    tiny_model.save(folder)
    return folder


def test_what_was_written_is_said_and_never_replaced_unasked(saved: Path, tmp_path: Path):
    target = tmp_path / "Tiny.mlpackage"
    shown = run(saved, target, "--ids", "path", "--verify", "2").stdout
    assert "image: image 96x96 RGB" in shown
    assert "distance: float32 [40]" in shown
    assert "passed: it agrees with Python." in " ".join(shown.split())
    assert json.loads(Interpreter(target).metadata[IDS]) == imgsim.load_model(saved).images.paths
    assert sorted(path.name for path in tmp_path.iterdir()) == ["Tiny.mlpackage", "Tiny.references.json"]
    taken = run(saved, target, code=1)
    assert taken.stdout == ""
    assert taken.stderr.startswith("error: ")
    assert "give --overwrite" in taken.stderr
    shown_by_xcode = ("--author", "A", "--license", "L", "--version", "7", "--description", "D")
    run(saved, target, "--overwrite", "--outputs", "features", "--verify", "0", "--no-ids", *shown_by_xcode)
    package = Interpreter(target)
    assert list(package.outputs) == ["features"]
    assert [package.metadata[key] for key in ("author", "license", "version", "description")] == ["A", "L", "7", "D"]
    assert IDS not in package.metadata


def test_json_holds_the_whole_report(saved: Path, tmp_path: Path):
    target = tmp_path / "Tiny.mlpackage"
    command = (saved, target, "--outputs", "topk", "-k", "3", "--compress", "int8", "--verify", "2", "--json")
    found = json.loads(run(*command).stdout, parse_constant=pytest.fail)
    assert found["path"] == str(target)
    assert found["outputs"] == {"indices": "int32 [3]", "distances": "float32 [3]"}
    assert (found["n"], found["dim"]) == (40, 18)
    assert found["verification"]["status"] == "passed"
    assert set(found["verification"]["limits"]) <= set(found["verification"]["metrics"])


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--outputs", "embedding"), 1, "outputs must be one of distance"),
        (("--ids", "no_such_column"), 1, "no_such_column"),
        (("--labels", "no_such_column"), 1, "no_such_column"),
        (("--backbone", "squeezenet1_1", "--weights", "random"), 1, "not the one of the model's features"),
        (("-k", "0"), 2, "-k"),
        (("--verify", "-1"), 2, "--verify"),
        (("--palette",), 2, "--palette"),
    ],
)
def test_wrong_options_write_nothing(saved: Path, tmp_path: Path, options: tuple[str, ...], code: int, message: str):
    assert message in run(saved, tmp_path / "x.mlpackage", *options, code=code).stderr
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_model_and_what_is_no_package(saved: Path, tmp_path: Path):
    assert "error: " in run(tmp_path / "nowhere", tmp_path / "x.mlpackage", code=1).stderr
    assert "must end in .mlpackage" in run(saved, tmp_path / "x.zip", code=1).stderr
    assert "verify=0" in run(saved, tmp_path / "x.mlmodel", code=1).stderr
    run(saved, code=2)
    assert list(tmp_path.iterdir()) == []


def test_an_export_that_disagrees_ends_with_its_figures(saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(build, "image_bias", lambda spec: [0.0, 0.0, 0.0])
    assert "disagrees with Python" in run(saved, tmp_path / "x.mlpackage", code=1).stderr
    assert list(tmp_path.iterdir()) == []
