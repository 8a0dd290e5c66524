"""The commands about insights: what they print, what they write, and whom they ask."""

import json
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

import imgsim
from imgsim.cli import app
from imgsim.cli.insight_options import WIDEST, _cell, _number
from imgsim.decisions import open_decisions
from imgsim.decisions.copies import decide_copies
from imgsim.insights.compute import Computation, compute
from imgsim.insights.registry import INSIGHTS

COMMANDS = ("duplicates", "outliers", "labels", "leaks", "quality", "clusters", "map")


def run(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    return result


def document(*arguments: object) -> dict:
    return json.loads(run(*arguments, "--json").stdout, parse_constant=pytest.fail)


@pytest.fixture(scope="module")
def doubled(tiny_images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny images in two splits, one picture of them in both."""
    folder = tmp_path_factory.mktemp("doubled") / "doubled"
    for split, names in {"train": ("cube", "torus"), "test": ("sphere", "bricks")}.items():
        for name in names:
            shutil.copytree(tiny_images / name, folder / split / name)
    shutil.copy(folder / "train" / "cube" / "cube_00.jpg", folder / "test" / "sphere" / "it's a copy.jpg")
    return folder


@pytest.fixture(scope="module")
def saved(doubled: Path, tiny_store: imgsim.FeatureStore, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli") / "doubled.imgsim"
    imgsim.create(doubled, store=tiny_store, backbone="mini", progress=False).save(folder)
    return folder


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_prints_and_gives_json(saved: Path, command: str, tmp_path: Path):
    assert run(command, saved).stdout
    found = document(command, saved, "-o", tmp_path / "rows.parquet")
    assert found["metrics"]
    assert len(pd.read_parquet(tmp_path / "rows.parquet")) == len(found["rows"])
    run(command, saved, "-o", "rows.txt", code=2)


def test_duplicates_and_a_plan_that_can_be_run(saved: Path, doubled: Path, tmp_path: Path):
    shutil.copytree(doubled, tmp_path / "images")
    plan, script, away = tmp_path / "plan.csv", tmp_path / "plan.sh", tmp_path / "away"
    shown = run(
        "duplicates", saved, "--plan", plan, "--script", script, "--move-to", away, "--root", tmp_path / "images"
    )
    assert "same_bytes" in shown.stdout
    assert "it moves 1 files" in shown.stderr
    assert pd.read_csv(plan)["action"].tolist() == ["keep", "move"]
    subprocess.run(["sh", str(script)], check=True, capture_output=True)
    assert len([path for path in away.rglob("*") if path.is_file()]) == 1
    assert len(list((tmp_path / "images").rglob("*.jpg"))) == 40
    run("duplicates", saved, "--script", script, code=2)


def test_a_plan_follows_decisions_unless_told_otherwise(saved: Path, home: Path, tmp_path: Path):
    def actions(*more: str) -> dict[str, str]:
        run("duplicates", saved, "--plan", tmp_path / "plan.csv", *more)
        table = pd.read_csv(tmp_path / "plan.csv")
        return dict(zip(table["path"], table["action"], strict=True))

    proposed = actions()
    assert sorted(proposed.values()) == ["keep", "move"]
    images = imgsim.load_model(saved).images
    rows = [images.paths.index(path) for path in proposed]
    keep = [action == "move" for action in proposed.values()]
    decide_copies(open_decisions(), [images.sha256[row] for row in rows], keep, list(proposed))
    assert actions() == {path: "keep" if one else "move" for path, one in zip(proposed, keep, strict=True)}
    assert actions("--no-decisions") == proposed


def test_a_script_for_an_unknown_place_is_refused_before_anything_is_written(saved: Path, tmp_path: Path):
    made = tmp_path / "made"
    made.mkdir()
    to = ("--plan", made / "plan.csv", "--script", made / "plan.sh", "--move-to", tmp_path / "images" / "away")
    assert "give --root DIR, where they lie" in run("duplicates", saved, *to, code=1).stderr
    assert "read again" in run("duplicates", saved, *to, "--root", tmp_path / "images", code=1).stderr
    assert not list(made.iterdir())


def test_leaks_by_folder(saved: Path):
    (leak,) = document("leaks", saved)["rows"]
    assert (leak["split"], leak["other_split"], leak["tier"]) == ("test", "train", "same_bytes")
    assert run("leaks", saved, "--split", "no_such_column", code=1).stderr.startswith("error: there is no column")


def test_leaks_by_a_file_of_splits(saved: Path, tmp_path: Path):
    paths = imgsim.load_model(saved).images.paths
    odd = pd.DataFrame({"path": paths, "split": ["odd" if "copy" in path else "even" for path in paths]})
    odd.to_csv(tmp_path / "splits.csv", index=False)
    (leak,) = document("leaks", saved, "--split", tmp_path / "splits.csv")["rows"]
    assert {leak["split"], leak["other_split"]} == {"odd", "even"}
    odd.assign(path="elsewhere").to_csv(tmp_path / "other.csv", index=False)
    assert "no path in" in run("leaks", saved, "--split", tmp_path / "other.csv", code=1).stderr
    odd[["path"]].to_csv(tmp_path / "lacks.csv", index=False)
    assert "needs path and split" in run("leaks", saved, "--split", tmp_path / "lacks.csv", code=1).stderr


def test_thresholds(saved: Path):
    assert document("outliers", saved, "--threshold", 1000)["rows"] == []
    assert len(document("outliers", saved, "--threshold", 0)["rows"]) > 0
    every = document("labels", saved, "--threshold", 0)["rows"]
    assert [row["probability"] for row in every] == sorted((row["probability"] for row in every), reverse=True)
    assert document("duplicates", saved, "--threshold", 0)["params"]["threshold"] == 0


def test_labels_say_how_many_are_wrong_and_list_the_outvoted_where_none_is(saved: Path):
    shown = run("labels", saved, "--threshold", 1)
    assert "labels are wrong: about" in shown.stderr
    assert "No label is wrong with a probability of 100% or more. Neighbours outvote" in shown.stderr
    assert document("labels", saved, "--threshold", 1)["rows"] == []


def test_clusters_and_map_as_files(saved: Path, tmp_path: Path):
    run("clusters", saved, "--members", tmp_path / "members.csv")
    assert len(pd.read_csv(tmp_path / "members.csv")) == 41
    run("map", saved, "--picture", tmp_path / "map.png")
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")


def test_what_the_model_carries_is_used(saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    model = imgsim.load_model(saved)
    compute(model.references)
    model.save(tmp_path / "carrying")
    monkeypatch.setattr(Computation, "find", lambda *_, **__: pytest.fail("computed"))
    for command in COMMANDS:
        run(command, tmp_path / "carrying")
    run("report", tmp_path / "carrying", "-o", tmp_path / "page.html")
    assert "<h2>Duplicates<span>" in (tmp_path / "page.html").read_text()


@pytest.mark.usefixtures("tiny_model")
def test_a_folder_of_images_will_do(doubled: Path, shared_home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("IMGSIM_HOME", str(shared_home))
    mini = ("--backbone", "mini")
    assert document("duplicates", doubled, *mini)["metrics"]["same_bytes_images"] == 1
    facts = document("report", doubled, "-o", tmp_path / "page.html", *mini)
    assert facts["bytes"] == (tmp_path / "page.html").stat().st_size
    assert set(facts["metrics"]) == set(INSIGHTS)
    assert run("quality", tmp_path / "nowhere", code=1).stderr.startswith("error: ")


def test_what_is_missing_is_blank_and_nothing_is_0():
    assert [_number(value) for value in (float("nan"), None, -0.0, -1.5, 1200.0, 3, "a")] == [
        "", "", "0", "-1.5", "1,200", "3", "a"
    ]  # fmt: skip


def test_quality_of_an_empty_picture_without_a_label(tmp_path: Path):
    for number in range(8):
        Image.effect_noise((64, 64), 50).save(tmp_path / f"{number}.png")
    Image.new("L", (64, 64), "white").save(tmp_path / "white.png")
    model = imgsim.create(imgsim.load_images(tmp_path, labels=None), backbone="mini", progress=False)
    model.save(tmp_path / "m.imgsim")
    rows = [line.split() for line in run("quality", tmp_path / "m.imgsim").stdout.splitlines() if "white" in line]
    assert rows == [["white.png", "low_information", "0", "1.5"]]


def test_a_long_name_does_not_make_a_table_wide():
    name = "folder/" + "n" * 240 + ".jpg"
    cell = _cell(name)
    assert len(cell) == WIDEST
    assert cell.startswith("folder/")
    assert cell.endswith(".jpg")
    assert _cell("short.jpg") == "short.jpg"
