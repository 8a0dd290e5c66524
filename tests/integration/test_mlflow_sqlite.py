"""The whole life of a registered model over MLflow's embedded sqlite store."""

import getpass
import json
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
import yaml
from mlflow import MlflowClient
from mlflow.entities import LoggedModel

import imgsim
from imgsim.distribution import DISTRIBUTION
from imgsim.errors import ArgumentError, ModelFormatError, RegistryError
from imgsim.features.embeddings import Embeddings
from imgsim.mlflow import flavor, registry
from imgsim.mlflow.connection import connect
from imgsim.neighbors.graph import build_graph

COLLECTION = "tiny"
NAME = "imgsim-tiny"


@dataclass(frozen=True)
class Store:
    """A sqlite store with one run and one registered model."""

    folder: Path
    uri: str
    run_id: str
    first: registry.Registration

    @property
    def client(self) -> MlflowClient:
        return MlflowClient(self.uri, registry_uri=self.uri)

    @property
    def logged(self) -> LoggedModel:
        """The logged model of version 1."""
        source = self.client.get_model_version(NAME, "1").source
        return self.client.get_logged_model(source.removeprefix("models:/"))

    def run(self) -> str:
        """Start another run in the same experiment."""
        experiment = self.client.get_run(self.run_id).info.experiment_id
        return str(self.client.create_run(experiment).info.run_id)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, tiny_model: imgsim.SimilarityModel, empty_database: Path) -> Store:
    folder = tmp_path_factory.mktemp("mlflow")
    uri = f"sqlite:///{shutil.copy(empty_database, folder)}"
    client = MlflowClient(uri, registry_uri=uri)
    experiment = client.create_experiment("pipeline", artifact_location=str(folder / "mlartifacts"))
    run_id = client.create_run(experiment).info.run_id
    client.log_param(run_id, "backbone", "mini")
    client.log_metric(run_id, "recall_at_10", 1.0)
    first = registry.register(tiny_model, collection=COLLECTION, run_id=run_id, tracking_uri=uri)
    return Store(folder, uri, run_id, first)


@pytest.fixture
def tracked(store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Let MLflow's own functions use the store, as a user's notebook does."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store.uri)
    return store


def test_the_first_version_is_challenger_and_champion(store: Store, tiny_model: imgsim.SimilarityModel) -> None:
    assert store.first.name == NAME
    assert store.first.version == "1"
    assert store.first.aliases == ("challenger", "champion")
    assert store.first.champion
    assert not store.first.reused
    tags = store.client.get_model_version(NAME, "1").tags
    assert tiny_model.evaluation is not None
    assert tags["imgsim.digest"] == tiny_model.digest
    assert tags["imgsim.images"] == str(len(tiny_model.images))
    assert tags["imgsim.backbone"] == "mini"
    assert tags["imgsim.fingerprint"] == tiny_model.backbone.fingerprint
    for name in ("precision_at_10", "recall_at_10"):
        assert float(tags[f"imgsim.{name}"]) == pytest.approx(tiny_model.evaluation.metrics[name], abs=1e-6)
    assert "first champion" in tags["imgsim.promotion"]
    assert json.loads(tags["imgsim.protocol"]) == {"k": 10, "background": [], "copies": "left out"}


def test_the_model_belongs_to_its_run_and_experiment(store: Store) -> None:
    logged = store.logged
    assert store.client.get_model_version(NAME, "1").run_id == logged.source_run_id == store.run_id
    assert logged.experiment_id == store.client.get_run(store.run_id).info.experiment_id
    assert logged.params["backbone"] == "mini"
    assert {metric.key for metric in logged.metrics} == {"recall_at_10"}
    assert Path(logged.artifact_location).is_relative_to(store.folder)


def test_an_equal_model_is_reused(store: Store, tiny_model: imgsim.SimilarityModel) -> None:
    run = store.run()
    again = registry.register(tiny_model, collection=COLLECTION, run_id=run, tracking_uri=store.uri)
    assert again.reused
    assert (again.version, again.reason) == (store.first.version, store.first.reason)
    assert store.client.get_run(run).data.tags["imgsim.model_version"] == f"{NAME}/1"


def test_a_worse_model_stays_challenger(
    store: Store, tiny_model: imgsim.SimilarityModel, tmp_path: Path, rng: np.random.Generator
) -> None:
    tiny_model.save(tmp_path / "worse")
    worse = imgsim.load_model(tmp_path / "worse")
    references = worse.references
    shuffled = Embeddings(rng.permutation(references.embeddings), references.projection)
    graph = build_graph(shuffled.matrix, 10)
    references.replace_rows(references.images, shuffled, references.ids, graph, references.thumbnail_source)
    worse.evaluate()
    result = registry.register(worse, collection=COLLECTION, run_id=store.run(), tracking_uri=store.uri)
    assert result.aliases == ("challenger",)
    assert not result.champion
    assert "worse than version 1" in result.reason
    assert registry.load(COLLECTION, tracking_uri=store.uri).digest != worse.digest
    assert registry.load(COLLECTION, alias="challenger", tracking_uri=store.uri).digest == worse.digest


def test_a_killed_registration_is_finished_by_the_next(tracked: Store, tiny_model: imgsim.SimilarityModel) -> None:
    name = "imgsim-killed"
    client = tracked.client
    client.create_registered_model(name)
    tags = {"imgsim.digest": tiny_model.digest, "imgsim.revision": tiny_model.revision}
    client.create_model_version(name, client.get_model_version(NAME, "1").source, tags=tags)
    result = registry.register(tiny_model, collection="killed", run_id=tracked.run())
    assert result.reused
    assert result.aliases == ("challenger", "champion")


@pytest.mark.parametrize("moved", [False, True])
def test_a_registration_killed_at_the_champion_keeps_its_reason(
    tracked: Store, tiny_model: imgsim.SimilarityModel, monkeypatch: pytest.MonkeyPatch, moved: bool
) -> None:
    collection = f"killed-at-{'after' if moved else 'before'}"
    set_alias = MlflowClient.set_registered_model_alias

    def killed(client: MlflowClient, name: str, alias: str, version: str) -> None:
        if alias != "champion" or moved:
            set_alias(client, name, alias, version)
        if alias == "champion":
            raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(MlflowClient, "set_registered_model_alias", killed)
        with pytest.raises(KeyboardInterrupt):
            registry.register(tiny_model, collection=collection, run_id=tracked.run())
    result = registry.register(tiny_model, collection=collection, run_id=tracked.run())
    assert (result.version, result.reused, result.aliases) == ("1", True, ("challenger", "champion"))
    assert result.reason.startswith("champion: first champion of this collection")


def test_load_gives_the_same_answers(store: Store, tiny_model: imgsim.SimilarityModel) -> None:
    loaded = registry.load(COLLECTION, version=1, tracking_uri=store.uri)
    assert loaded.digest == tiny_model.digest
    ids = [int(i) for i in tiny_model.ids[:5]]
    pd.testing.assert_frame_equal(loaded.query(ids, k=4), tiny_model.query(ids, k=4))


def test_what_is_missing_is_named(store: Store, tiny_model: imgsim.SimilarityModel) -> None:
    with pytest.raises(RegistryError, match=r"no model imgsim-absent.*run the pipeline"):
        registry.load("absent", tracking_uri=store.uri)
    with pytest.raises(RegistryError, match=r"no version 'best'.*challenger"):
        registry.load(COLLECTION, alias="best", tracking_uri=store.uri)
    with pytest.raises(RegistryError, match=r"no version '99'"):
        registry.load(COLLECTION, version=99, tracking_uri=store.uri)
    with pytest.raises(RegistryError, match="no-such-run"):
        registry.register(tiny_model, collection="new", run_id="no-such-run", tracking_uri=store.uri)


def test_pyfunc_answers_by_alias(tracked: Store, tiny_model: imgsim.SimilarityModel) -> None:
    model = mlflow.pyfunc.load_model(f"models:/{NAME}@champion")
    frame = pd.DataFrame({"path": tiny_model.images.locations[:2]})
    by_path = model.predict(frame, params={"k": 3})
    assert by_path["distance"].tolist()[::3] == [0.0, 0.0]
    in_memory = [tiny_model.images.read_bytes(i) for i in range(2)]
    pd.testing.assert_frame_equal(model.predict(pd.DataFrame({"image": in_memory}), params={"k": 3}), by_path)
    by_id = model.predict(pd.DataFrame({"id": np.asarray(tiny_model.ids[:2])}), params={"k": 3, "radius": 10.0})
    assert by_id["id"].tolist() == by_path["id"].tolist()
    assert len(model.predict(model.input_example)) == 10
    assert model.metadata.get_params_schema().params[0].name == "k"
    assert model.get_raw_model().digest == tiny_model.digest


def test_flavour_saves_and_loads_a_folder(tiny_model: imgsim.SimilarityModel, tmp_path: Path) -> None:
    flavor.save_model(tiny_model, tmp_path / "saved", metadata={"note": "by hand"})
    assert flavor.load_model(tmp_path / "saved").digest == tiny_model.digest
    assert mlflow.models.Model.load(str(tmp_path / "saved")).metadata == {"note": "by hand"}
    with pytest.raises(ArgumentError, match="not empty"):
        flavor.save_model(tiny_model, tmp_path / "saved")
    with pytest.raises(ModelFormatError, match=r"model\.imgsim"):
        flavor.load_model(tmp_path)


def test_log_model_in_the_active_run(tracked: Store, tiny_model: imgsim.SimilarityModel) -> None:
    with mlflow.start_run(experiment_id=tracked.logged.experiment_id) as run:
        info = flavor.log_model(tiny_model, "by-hand", registered_model_name="imgsim-by-hand")
    assert info.run_id == run.info.run_id
    assert flavor.load_model(info.model_uri).digest == tiny_model.digest
    assert flavor.load_model("models:/imgsim-by-hand/1").digest == tiny_model.digest


def test_nothing_of_the_logging_machine_is_inside(
    tracked: Store, tiny_model: imgsim.SimilarityModel, tmp_path: Path
) -> None:
    uri = f"models:/{NAME}/1"
    folder = Path(mlflow.artifacts.download_artifacts(uri, dst_path=str(tmp_path / "copy")))
    files = [file for file in folder.rglob("*") if file.is_file()]
    names = {file.relative_to(folder).parts[0] for file in files}
    assert {
        "MLmodel",
        "requirements.txt",
        "conda.yaml",
        "python_env.yaml",
        "input_example.json",
        "model.imgsim",
    } <= names
    assert not [file for file in files if file.suffix in {".pkl", ".pickle", ".joblib", ".py"}]
    places = [tracked.folder, Path(imgsim.__file__).parent, Path.home(), Path(sys.prefix), tiny_model.images.root]
    traces = [str(place).encode() for place in places if str(place) not in {"", "/"}]
    who = [name for name in (getpass.getuser(), socket.gethostname()) if len(name) > 4]  # shorter ones occur by chance
    traces += [b"/tmp/", *(name.encode() for name in who)]
    leaks = [(file.name, trace) for file in files for trace in traces if trace in file.read_bytes()]
    assert leaks == []


def test_requirements_are_pinned(store: Store) -> None:
    location = Path(store.logged.artifact_location)
    lines = (location / "requirements.txt").read_text().split()
    wheels = [line for line in lines if "==" not in line]
    assert wheels == [path.relative_to(location).as_posix() for path in location.glob("wheels/*")]
    assert wheels[0].startswith("wheels/imgsim_kit-")
    names = {line.partition("==")[0] for line in lines} - set(wheels)
    assert {"mlflow", "onnxruntime", "pyarrow"} <= names
    assert not {"imgsim", DISTRIBUTION} & names  # an index would be asked for these
    conda = yaml.safe_load((location / "conda.yaml").read_text())["dependencies"]
    assert conda[-1]["pip"] == lines
    description = json.dumps(mlflow.models.Model.load(str(location)).to_dict(), default=str)
    assert "imgsim.mlflow.flavor" in description


def test_artifacts_download_by_the_command_line(store: Store, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mlflow", "artifacts", "download", "-u", f"models:/{NAME}@champion", "-d", "got"]
    environment = {"MLFLOW_TRACKING_URI": store.uri, "PATH": "/usr/bin:/bin", "MLFLOW_DISABLE_TELEMETRY": "true"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    folder = next((tmp_path / "got").rglob("model.imgsim"))
    with pytest.raises(imgsim.ModelFormatError, match=r"flavor.load_model\(.*imgsim registry download"):
        imgsim.load_model(folder)
    with connect(store.uri):
        assert flavor.load_model(folder.parent).digest


def test_a_model_that_carries_more_is_another_version_and_brings_it_along(
    tracked: Store, tiny_model: imgsim.SimilarityModel, tmp_path: Path
) -> None:
    tiny_model.save(tmp_path / "m")
    model = imgsim.load_model(tmp_path / "m")
    first = registry.register(model, collection="carrying", run_id=tracked.run())
    model.insight("outliers")
    second = registry.register(model, collection="carrying", run_id=tracked.run())
    again = registry.register(model, collection="carrying", run_id=tracked.run())
    assert (first.version, second.version, again.version) == ("1", "2", "2")
    assert again.reused
    assert tracked.client.get_model_version("imgsim-carrying", "2").tags["imgsim.revision"] == model.revision
    loaded = registry.load("carrying", version=2)
    assert loaded.revision == model.revision
    assert loaded.insights["outliers"].digest == model.insights["outliers"].digest
