"""``imgsim label``, ``tag``, ``mark`` and ``decisions``."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import imgsim
from imgsim.cli import app
from imgsim.decisions import open_decisions
from imgsim.io.hashing import file_sha256


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory, tiny_model: imgsim.SimilarityModel) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny.imgsim"
    tiny_model.save(folder)
    return folder


def run(*arguments: object, code: int = 0):
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code == code, result.output
    return result


def test_files_and_folders_are_labelled_by_their_content(tiny_images: Path):
    picture = next((tiny_images / "cube").iterdir())
    told = run("label", "block", picture, picture, "--by", "eva").output
    assert "1 picture labelled block (action 1 in " in told
    assert json.loads(run("label", "solid", tiny_images / "cube", "--json").stdout)["pictures"] == 10
    run("label", "block", file_sha256(picture))
    assert sorted(open_decisions().labels().values()) == ["block", *["solid"] * 9]
    assert open_decisions().history()["by"].tolist()[-1] == "eva"
    run("label", "--take-back", picture, tiny_images / "cube")
    assert open_decisions().labels() == {}


def test_images_of_a_model_are_named_by_id_or_path(saved: Path, tiny_model: imgsim.SimilarityModel):
    images = tiny_model.images
    run("tag", "blurry", images.ids[3], images.paths[4], "--in", saved)
    assert set(open_decisions().tags()) == {images.sha256[3], images.sha256[4]}
    run("tag", "blurry", "3", "--in", saved, "--remove")
    assert set(open_decisions().tags()) == {images.sha256[4]}


def test_images_of_a_folder_are_named_by_path(tiny_images: Path):
    images = imgsim.load_images(tiny_images)
    run("mark", "keep", images.paths[0], "--group", "7", "--in", tiny_images)
    run("mark", "spare", images.paths[1], images.location(2), "--in", tiny_images)
    run("mark", "spare", "--take-back", images.location(1))
    store = open_decisions()
    assert (store.kept(), store.spared()) == ({images.sha256[0]}, {images.sha256[2]})


def test_pairs(saved: Path):
    run("mark", "alike", "0", "1", "2", "--in", saved)
    run("mark", "not_alike", "0", "2", "--in", saved)
    run("mark", "not_duplicates", "0", "1", "2", "--in", saved)
    store = open_decisions()
    assert sorted(store.pairs()["alike"]) == [False, True]
    assert len(store.not_duplicates()) == 3
    run("mark", "alike", "--take-back", "0", "1", "--in", saved)
    assert store.pairs()["alike"].tolist() == [False]
    counts = json.loads(run("decisions", "--json").stdout)
    assert (counts["alike"], counts["not_alike"], counts["not_duplicates"], counts["actions"]) == (0, 1, 3, 4)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["label", "tree"], 2, "give at least one picture"),
        (["label", "tree", "17"], 1, "17 is no file; if it is an id, say of which model: --in MODEL"),
        (["label", "tree", "none.jpg"], 1, "none.jpg"),
        (["label", "tree", "broken.jpg"], 1, "is no image that can be used"),
        (["label", "tree", "99", "--in", "MODEL"], 1, "no image there has the id or the path '99'; ids are such as 0"),
        (["mark", "good", "0", "--in", "MODEL"], 1, "MARK must be one of keep, spare"),
        (["mark", "alike", "0", "--in", "MODEL"], 1, "there are no pairs"),
        (["decisions", "--action", "1"], 2, "give --undo too"),
        (["decisions", "--undo"], 1, "there is nothing to undo"),
        (["decisions", "--export", "labels.txt"], 2, "must end in .csv"),
    ],
)
def test_what_cannot_be_done(saved: Path, home: Path, tmp_path, monkeypatch, arguments, code, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.jpg").write_bytes(b"<b>no image</b>")
    result = run(*[str(saved) if word == "MODEL" else word for word in arguments], code=code)
    assert words in " ".join(result.output.replace("│", " ").split())
    assert not list(home.glob("decisions*"))


def test_undo_and_history(tiny_images: Path):
    picture = next((tiny_images / "cube").iterdir())
    run("label", "tree", picture)
    run("label", "bush", picture)
    assert "undid action 2 (label); --undo --action 3 takes that back." in run("decisions", "--undo").output
    assert list(open_decisions().labels().values()) == ["tree"]
    assert "redid action 2 (label)" in run("decisions", "--undo", "--action", "3").output
    lines = run("decisions", "--history", "-n", "2").stdout.splitlines()
    assert [line.split()[0] for line in lines[2:]] == ["4", "3"]
    found = json.loads(run("decisions", "--history", "--json").stdout)["history"]
    assert [(row["action"], row["kind"], row["value"]) for row in found] == [
        (4, "redo", "2"),
        (3, "undo", "2"),
        (2, "label", "bush"),
        (1, "label", "tree"),
    ]
    assert ["labels", "1"] in [line.split() for line in run("decisions").stdout.splitlines()]


def test_import_and_export(saved: Path, tiny_model: imgsim.SimilarityModel, tmp_path: Path):
    images, table = tiny_model.images, tmp_path / "labels.csv"
    table.write_text(f"path,label\n{images.paths[0]},tree\ngone.jpg,tree\n")
    told = run("decisions", "--import", table, "--in", saved)
    assert "1 decisions are new (action 1), 0 were known." in told.stdout
    assert "1 pictures are not among the images" in told.stderr
    assert "gone.jpg" in told.stderr
    run("decisions", "--export", tmp_path / "out.csv", "--export-pairs", tmp_path / "pairs.csv", "--in", saved)
    assert f'"{images.sha256[0]}","{images.paths[0]}","tree"' in (tmp_path / "out.csv").read_text()
    assert (tmp_path / "pairs.csv").read_text().splitlines() == ['"left","right","decision"']
    assert "0 decisions are new, 1 were known." in run("decisions", "--import", table, "--in", saved).output


def test_a_model_is_created_with_decided_labels(tiny_images: Path, tmp_path: Path):
    images = imgsim.load_images(tiny_images)
    run("label", "block", images.location(0))
    create = ("create", tiny_images, "--backbone", "mini", "--json")
    made = json.loads(run(*create, "-o", tmp_path / "with").stdout)
    assert made["decisions"] == imgsim.load_model(tmp_path / "with").images.decisions is not None
    assert "1 changed by decisions" in run("evaluate", tmp_path / "with").stdout
    made = json.loads(run(*create, "-o", tmp_path / "without", "--no-decisions").stdout)
    assert made["decisions"] is None
