"""Downloads of registered versions: what is damaged or gone, and what only cannot be had at the moment."""

import errno
import shutil
from pathlib import Path

import mlflow.artifacts
import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from imgsim.errors import ModelFormatError, RegistryError
from imgsim.mlflow import flavor, registry
from imgsim.mlflow.connection import default_tracking_uri, experiment_id
from imgsim.mlflow.shared.copies import downloads
from tests.vector_models import clustered, labelled_model

GOOD = clustered(0.2)


def register(rows: "np.ndarray | None" = None) -> registry.Registration:
    client = MlflowClient()
    run = client.create_run(experiment_id(client, "imgsim", default_tracking_uri()))
    return registry.register(labelled_model(GOOD, rows=rows), collection="album", run_id=run.info.run_id)


@pytest.fixture(autouse=True)
def _registered(mlflow_home: Path) -> None:
    register()


@pytest.mark.parametrize(
    "error",
    [MlflowException("connection reset"), OSError(errno.EMFILE, "Too many open files"), TimeoutError("too slow")],
)
def test_a_download_that_fails_for_now_is_not_damage(monkeypatch, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(mlflow.artifacts, "download_artifacts", fail)
    with pytest.raises(RegistryError, match="cannot be downloaded now") as told:
        registry.load("album")
    assert told.value.kind == "unavailable"
    assert list(downloads().iterdir()) == []


def test_a_copy_that_cannot_be_read_for_now_is_kept(monkeypatch):
    registry.load("album")

    def fail(_):
        raise ModelFormatError("unreadable") from OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as passing:
        passing.setattr(flavor, "load_folder", fail)
        with pytest.raises(RegistryError, match="cannot be read now") as told:
            registry.load("album")
    assert told.value.kind == "unavailable"
    assert len(registry.load("album")) == len(GOOD)
    assert not list(downloads().glob("*.damaged"))


def test_files_that_are_gone_are_named(home, monkeypatch):
    shutil.rmtree(home / "mlartifacts" / "models")
    with pytest.raises(RegistryError, match="its files are missing where MLflow keeps them") as told:
        registry.load("album")
    assert told.value.kind == "broken"
    with pytest.raises(RegistryError, match="its files are missing where MLflow keeps them"):
        flavor.load_model("models:/imgsim-album/1")


def test_a_champion_that_cannot_be_read_for_now_stays(monkeypatch):
    def fail(*_, **__):
        raise MlflowException("connection reset")

    with monkeypatch.context() as passing:
        passing.setattr(mlflow.artifacts, "download_artifacts", fail)
        with pytest.raises(RegistryError, match="cannot be downloaded now"):
            register(np.arange(1, 200))
    assert str(MlflowClient().get_model_version_by_alias("imgsim-album", "champion").version) == "1"
    assert register(np.arange(1, 200)).champion
