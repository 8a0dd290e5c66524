"""The command ``imgsim select``: what it prints and writes."""

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

import imgsim
from imgsim.cli import app


def run(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    return result


@pytest.fixture(scope="module")
def saved(tiny_model: imgsim.SimilarityModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("select") / "tiny.imgsim"
    tiny_model.save(folder)
    return folder


@pytest.mark.parametrize("by", ["diverse", "uncertain", "balanced"])
def test_table_file_and_json_show_the_same(saved: Path, tiny_model: imgsim.SimilarityModel, by: str, tmp_path: Path):
    printed = run("select", saved, "-n", 8, "--by", by, "-o", tmp_path / "chosen.csv").stdout
    found = json.loads(run("select", saved, "-n", 8, "--by", by, "--json").stdout)
    expected = tiny_model.select(8, by)
    assert [row["path"] for row in found["rows"]] == expected["path"].tolist()
    assert pd.read_csv(tmp_path / "chosen.csv")["path"].tolist() == expected["path"].tolist()
    assert found["by"] == by
    assert found["metrics"] == pytest.approx(expected.attrs["coverage"])
    assert all(path in printed for path in expected["path"])
    assert "random covered" in printed


def test_wrong_usage_is_refused_before_work(saved: Path, tmp_path: Path):
    run("select", saved, "-n", 0, code=2)
    run("select", saved, "-o", "chosen.txt", code=2)
    assert "diverse, uncertain, balanced" in run("select", tmp_path / "none", "--by", "best", code=1).output
