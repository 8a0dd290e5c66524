"""``imgsim query --text`` and ``imgsim classify``: what is printed, written and refused."""

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

import imgsim
from imgsim.cli import app
from tests.text_models import colour_images, colour_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> imgsim.SimilarityModel:
    base = tmp_path_factory.mktemp("words")
    return colour_model(colour_images(base / "images"), imgsim.FeatureStore(base / "store"))


@pytest.fixture(scope="module")
def saved(model: imgsim.SimilarityModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("saved") / "colours.imgsim"
    model.save(path)
    return path


def run(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    return result


def queries(*arguments: object) -> dict[str, list[dict]]:
    found = json.loads(run(*arguments, "--json").stdout)["queries"]
    return {query["query"]: query["neighbors"] for query in found}


def test_each_text_is_a_query(saved: Path, model: imgsim.SimilarityModel) -> None:
    found = queries("query", saved, "--text", "a red car", "--text", "blue", "-k", 2)
    assert list(found) == ["a red car", "blue"]
    expected = model.query(text=["a red car", "blue"], k=2)
    assert [item["id"] for name in found for item in found[name]] == expected["reference_label"].tolist()
    assert {item["label"] for item in found["a red car"]} == {"red"}


def test_minus_steers_away(saved: Path, model: imgsim.SimilarityModel) -> None:
    found = queries("query", saved, "--text", "grey", "--minus", "red", "--minus", "green", "-k", 3)
    assert list(found) == ["grey - red - green"]
    assert {item["label"] for item in found["grey - red - green"]} == {"blue"}


def test_texts_are_added_to_images(saved: Path, model: imgsim.SimilarityModel) -> None:
    picture = model.images.location(0)
    found = queries("query", saved, picture, "--id", 5, "--text", "red", "--text", "green", "--minus", "blue", "-k", 4)
    text = {"red": 1.0, "green": 1.0, "blue": -1.0}
    expected = [model.query(0, text=text, k=4), model.query(5, text=text, k=4)]
    assert [[item["id"] for item in found[name]] for name in found] == [
        answer["reference_label"].tolist() for answer in expected
    ]
    assert list(found) == [picture, "id 5"]


def test_answers_are_drawn_and_saved(saved: Path, tmp_path: Path) -> None:
    result = run("query", saved, "--text", "red", "--sheet", tmp_path / "s.png", "-o", tmp_path / "a.csv")
    assert "red/red_" in result.stdout
    assert (tmp_path / "s.png").stat().st_size > 1000
    assert set(pd.read_csv(tmp_path / "a.csv")["query"]) == {"red"}


def test_what_cannot_be_asked(saved: Path, tiny_model: imgsim.SimilarityModel, tmp_path: Path) -> None:
    assert "or words with --text" in run("query", saved, "--minus", "red", code=2).output
    assert "text is empty" in run("query", saved, "--text", "", code=1).output
    tiny_model.save(tmp_path / "tiny.imgsim")
    assert "has no text tower" in run("query", tmp_path / "tiny.imgsim", "--text", "red", code=1).output
    assert "has no text tower" in run("classify", tmp_path / "tiny.imgsim", "a", "b", code=1).output


def test_labels_in_words(saved: Path, model: imgsim.SimilarityModel, tmp_path: Path) -> None:
    shown = run("classify", saved, "red", "green", "blue", "-o", tmp_path / "labels.csv")
    assert shown.stdout.count("red/red_") == 4
    written = pd.read_csv(tmp_path / "labels.csv")
    assert written["label"].tolist() == model.images.labels
    assert written["path"].tolist() == model.images.paths
    everything = json.loads(run("classify", saved, "red", "blue", "--all", "--template", "{}", "--json").stdout)
    assert len(everything["scores"]) == 2 * len(model)
    assert everything["scores"][0]["score"] == pytest.approx(
        model.classify(["red", "blue"], "{}", output="all")["score"][0]
    )
    assert "where the label stands" in run("classify", saved, "a", "b", "--template", "x", code=1).output


def test_a_text_and_the_same_minus_is_nothing(saved: Path):
    told = run("query", saved, "--text", "red", "--minus", "red", code=1).stderr
    assert "adds up to nothing" in told
