"""``imgsim learn``: what is printed and what is written."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from imgsim.cli import app
from imgsim.decisions import open_decisions
from imgsim.model import SimilarityModel, load_model


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["learn", *map(str, arguments)])


@pytest.fixture
def saved(
    tiny_model: SimilarityModel, tiny_store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shared_home: Path
) -> Path:
    monkeypatch.setenv("IMGSIM_HOME", str(shared_home))
    tiny_model.save(tmp_path / "m.imgsim")
    return tmp_path / "m.imgsim"


def test_a_learnt_model_is_saved_beside_the_old_one(saved: Path, tmp_path: Path):
    result = run(saved, "-o", tmp_path / "new.imgsim", "--others", "ignore")
    assert result.exit_code == 0, result.output
    assert "learnt from" in result.stdout
    assert "40 images of 4 labels" in result.stdout
    assert load_model(tmp_path / "new.imgsim").references.learning.others == "ignore"
    assert load_model(saved).references.learning is None
    again = run(saved, "-o", tmp_path / "new.imgsim")
    assert again.exit_code == 1
    assert "exists already" in str(again.exception) + again.output


def test_labels_of_the_top_folder(saved: Path, tmp_path: Path):
    result = run(saved, "-o", tmp_path / "n", "--labels", "top-folder", "--json")
    document = json.loads(result.stdout, parse_constant=pytest.fail)
    assert (document["labels"], document["labelled"]) == (4, 40)


def test_pairs_alone_say_what_they_gain(saved: Path, tmp_path: Path):
    (tmp_path / "none.csv").write_text("path,label\n")
    (tmp_path / "pairs.csv").write_text("left,right,alike\n0,1,true\n0,39,False\n")
    result = run(saved, "-o", tmp_path / "n", "--labels", tmp_path / "none.csv", "--pairs", tmp_path / "pairs.csv")
    assert result.exit_code == 0, result.output
    assert "2 pairs" in result.stdout
    assert "nothing was gained" in result.stdout


def test_labels_and_pairs_of_files(saved: Path, tmp_path: Path):
    paths = list(load_model(saved).images.paths)
    rows = [f"{path},{'round' if path.startswith(('sphere', 'torus')) else 'edged'}" for path in paths[:30]]
    (tmp_path / "labels.csv").write_text("\n".join(["path,label", *rows]) + "\n")
    (tmp_path / "pairs.csv").write_text("left,right,alike\n0,1,true\n0,39,False\n")
    result = run(
        saved, "-o", tmp_path / "n", "--labels", tmp_path / "labels.csv", "--pairs", tmp_path / "pairs.csv", "--json"
    )
    document = json.loads(result.stdout, parse_constant=pytest.fail)
    assert (document["labels"], document["labelled"]) == (2, 30)
    assert document["cross_validation"]["alike"] == document["cross_validation"]["not_alike"] == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,label\nnowhere.jpg,a\n", "by path that the model does not hold, the first 'nowhere.jpg'"),
        ("name,label\na,b\n", "it needs id or path, and label"),
        ("", "cannot be read"),
    ],
)
def test_a_file_of_labels_that_does_not_fit_is_told(saved: Path, tmp_path: Path, text: str, message: str):
    (tmp_path / "labels.csv").write_text(text)
    result = run(saved, "-o", tmp_path / "n", "--labels", tmp_path / "labels.csv")
    assert result.exit_code != 0
    assert message in str(result.exception) + result.output
    assert not (tmp_path / "n").exists()


def test_a_verdict_that_is_none_is_told(saved: Path, tmp_path: Path):
    (tmp_path / "pairs.csv").write_text("left,right,alike\n0,1,maybe\n")
    result = run(saved, "-o", tmp_path / "n", "--pairs", tmp_path / "pairs.csv")
    assert "'maybe' in the column alike" in str(result.exception) + result.output


def test_what_was_decided_takes_part(saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("IMGSIM_DECISIONS", str(tmp_path / "decisions.db"))
    images = load_model(saved).images
    with open_decisions() as decided:
        decided.set_label(images.filter_by("cube", "label").sha256, "block")
    for options, name, other in (([], "block", "cube"), (["--no-decisions"], "cube", "block")):
        assert run(saved, "-o", tmp_path / name, *options).exit_code == 0
        new = load_model(tmp_path / name)
        assert name in new.references.learning.classes
        assert other not in new.references.learning.classes
        assert name in new.images.labels
        assert name in new.evaluation.per_class["label"].tolist()
