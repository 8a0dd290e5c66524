"""``imgsim registry``: list, download and prune versions."""

import json

import pytest
from mlflow import MlflowClient
from typer.testing import CliRunner

import imgsim
from imgsim.cli import app
from imgsim.mlflow import registry
from imgsim.mlflow.connection import default_tracking_uri, experiment_id
from tests.vector_models import clustered, labelled_model


def run(*words, code=0):
    result = CliRunner().invoke(app, ["registry", *map(str, words)])
    assert result.exit_code == code, result.output
    return result


@pytest.fixture(autouse=True)
def _registered(mlflow_home):
    uri = default_tracking_uri()
    client = MlflowClient(uri)
    made = client.create_run(experiment_id(client, "imgsim", uri)).info.run_id
    for rows in range(200, 197, -1):
        registry.register(labelled_model(clustered(0.2), rows=range(rows)), collection="album", run_id=made)
    client.set_registered_model_alias("imgsim-album", "champion", "3")
    client.set_model_version_tag("imgsim-album", "3", "imgsim.baseline", "3")


def test_versions_are_listed_and_old_ones_removed():
    found = json.loads(run("list", "--json").stdout)
    assert [(one["name"], one["version"]) for one in found] == [("imgsim-album", number) for number in "321"]
    assert found[0]["aliases"] == ["challenger", "champion"]
    assert "challenger, champion" in run("list").stdout
    said = run("prune", "imgsim-album", "--keep", 1, "--dry-run").stdout
    assert said == "imgsim-album: would remove versions 1, 2 and 0 shared files (0.0 MB); 3 stays.\n"
    assert len(registry.list_versions("imgsim-album")) == 3
    done = json.loads(run("prune", "imgsim-album", "--keep", 1, "--json").stdout)
    assert (done["removed"], done["kept"], done["dry_run"]) == (["1", "2"], ["3"], False)
    assert run("prune", "imgsim-album").stdout.startswith("imgsim-album: removed no version and 0 shared files")


def test_a_version_chosen_by_hand_is_champion_and_the_baseline_of_later_ones():
    assert run("promote", "models:/imgsim-album/1").stdout == "models:/imgsim-album@champion is version 1\n"
    newest, _, first = registry.list_versions("imgsim-album")
    assert (newest.aliases, first.aliases) == (("challenger",), ("champion",))
    tags = {name: first.tags[f"imgsim.{name}"] for name in ("promotion", "baseline", "compared_with")}
    assert tags == {"promotion": "champion: chosen by hand", "baseline": "1", "compared_with": "3"}
    assert run("promote", "models:/imgsim-album@challenger").stdout.endswith("is version 3\n")
    assert "has no version '9'" in run("promote", "models:/imgsim-album/9", code=1).stderr
    assert "does not name a version" in run("promote", "album", code=1).stderr


def test_a_version_is_downloaded_whole_to_a_new_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "")  # restored afterwards
    monkeypatch.delenv("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR")
    got = run("download", "models:/imgsim-album@champion", tmp_path / "copy")
    assert (got.stdout, got.stderr) == (f"saved {tmp_path / 'copy'}\n", "")
    assert len(imgsim.load_model(tmp_path / "copy" / "model.imgsim")) == 198
    assert "exists already" in run("download", "models:/imgsim-album/1", tmp_path / "copy", code=1).stderr


def test_an_unknown_model_is_one_message():
    assert "has no model imgsim-none. `imgsim registry list`" in run("prune", "imgsim-none", code=1).stderr
