"""Every command on a registered model: its tables and thumbnails are read late, from the download."""

import inspect
import json
import shutil
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner, Result

import imgsim
from imgsim.cli import app
from imgsim.insights.compute import compute
from imgsim.mlflow import registry
from imgsim.mlflow.connection import connect, experiment_id

MODEL = "models:/imgsim-tiny@champion"
ARGUMENTS = {
    "query": [MODEL, "{image}", "--sheet", "{folder}/answer.png"],
    "graph": [MODEL, "-o", "{folder}/graph.csv"],
    "evaluate": [MODEL, "--per-class", "{folder}/classes.csv"],
    "compare": [MODEL, "models:/imgsim-tiny/1"],
    "export": [MODEL, "{folder}/Tiny.mlpackage", "--verify", "0"],
    "report": [MODEL, "-o", "{folder}/report.html"],
    "learn": [MODEL, "-o", "{folder}/learnt"],
    "update": [MODEL, "{images}", "-o", "{folder}/updated"],
    "site": [MODEL, "{folder}/site"],
    "map": [MODEL, "--picture", "{folder}/map.png"],
    "duplicates": [
        MODEL, "--plan", "{folder}/plan.csv", "--script", "{folder}/tidy.sh", "--move-to", "{folder}/spare",
        "--root", "{images}",
    ],
}  # fmt: skip
"""Arguments of commands that take more than a model."""


def commands() -> list[str]:
    """Names of all commands that take a model, of any network."""
    found = get_command(app).commands  # type: ignore[attr-defined]
    single = {name: command for name, command in found.items() if not hasattr(command, "commands")}
    takes = {name: set(inspect.signature(command.callback).parameters) for name, command in single.items()}
    return sorted(
        name for name, parameters in takes.items() if parameters & {"model", "target", "before"} and name != "classify"
    )


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory, tiny_model: imgsim.SimilarityModel, empty_database: Path) -> str:
    """A registry with the tiny images' model and all its insights."""
    folder = tmp_path_factory.mktemp("registered")
    uri = f"sqlite:///{shutil.copy(empty_database, folder / 'mlflow.db')}"
    tiny_model.save(folder / "model")
    model = imgsim.load_model(folder / "model")
    compute(model.references)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("IMGSIM_HOME", str(folder))
        with connect(uri) as connection:
            run = connection.client.create_run(experiment_id(connection.client, "imgsim", uri)).info.run_id
        registry.register(model, collection="tiny", run_id=run, tracking_uri=uri)
    return uri


def run(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == code, result.output
    return result


@pytest.mark.parametrize("name", commands())
def test_a_command_works_on_a_registered_model(
    name: str, uri: str, tiny_images: Path, shared_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    if name == "learn":  # needs the features
        monkeypatch.setenv("IMGSIM_HOME", str(shared_home))
    image = str(next(tiny_images.rglob("*.jpg")))
    places = {"{folder}": str(tmp_path), "{image}": image, "{images}": str(tiny_images)}
    words = ARGUMENTS.get(name, [MODEL])
    for place, value in places.items():
        words = [word.replace(place, value) for word in words]
    assert json.loads(run(name, *words, "--json").stdout)


def test_the_commands_are_those_that_take_a_model():
    assert {"query", "graph", "evaluate", "compare", "export", "report", "hubness", "labels"} <= set(commands())


def test_a_model_that_is_not_registered_is_one_message(uri: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    for missing in (
        "models:/imgsim-absent@champion",
        "models:/imgsim-tiny@best",
        "models:/imgsim-tiny/99",
        "runs:/x/y",
    ):
        told = run("labels", missing, code=1).stderr
        assert told.startswith("error: MLflow at ")
        assert "Traceback" not in told
