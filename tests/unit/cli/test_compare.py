"""``imgsim compare``: what is printed and what is written."""

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from imgsim.cli import app
from imgsim.model import SimilarityModel, load_model


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["compare", *map(str, arguments)])


@pytest.fixture(scope="module")
def models(tiny_model: SimilarityModel, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A saved model, and the same one without its last image."""
    folder = tmp_path_factory.mktemp("compared")
    tiny_model.save(folder / "before.imgsim")
    smaller = load_model(folder / "before.imgsim")
    smaller.remove([smaller.ids[-1]])
    smaller.save(folder / "after.imgsim")
    return folder / "before.imgsim", folder / "after.imgsim"


def test_tables_for_people(models: tuple[Path, Path]):
    result = run(*models)
    assert result.exit_code == 0, result.output
    assert "of these not in the other" in result.stdout
    assert "only before" in result.stdout, "an image removed drops the evaluation"
    assert "of the 10 neighbours are the same" in result.stdout
    assert "in common" in result.stdout


def test_one_document_and_a_table_of_the_changed(models: tuple[Path, Path], tmp_path: Path):
    result = run(*models, "-k", 5, "--json", "-o", tmp_path / "changed.csv")
    document = json.loads(result.stdout, parse_constant=pytest.fail)
    table = pd.read_csv(tmp_path / "changed.csv")
    neighbors = document["neighbors"]
    assert neighbors["k"] == 5
    assert neighbors["compared"] == neighbors["shared"] == len(table) == len(neighbors["images"])
    assert table["common"].is_monotonic_increasing
    assert next(fact["fact"] for fact in document["facts"]) == "images"
    assert {metric["verdict"] for metric in document["metrics"]} == {"only before"}


def test_a_missing_model_is_an_error(models: tuple[Path, Path], tmp_path: Path):
    assert run(models[0], tmp_path / "none.imgsim").exit_code == 1
