"""Register and load over HTTP, against a real ``mlflow server`` that proxies its artifacts."""

import json
from collections.abc import Callable
from pathlib import Path

import mlflow
import pandas as pd
import pytest
import requests
from mlflow import MlflowClient
from typer.testing import CliRunner

import imgsim
from imgsim.cli import app
from imgsim.errors import RegistryError
from imgsim.mlflow import registry
from imgsim.mlflow.flavor import download_model, load_model
from imgsim.mlflow.prune import prune
from imgsim.mlflow.shared.run import shared_runs

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, start_server: Callable[..., str]) -> str:
    folder = tmp_path_factory.mktemp("server")
    arguments = ["mlflow", "server", "--host", "127.0.0.1", "--port", "{port}", "--workers", "1"]
    stores = [
        "--backend-store-uri",
        f"sqlite:///{folder / 'mlflow.db'}",
        "--artifacts-destination",
        str(folder / "files"),
    ]
    return start_server([*arguments, *stores], "/health", folder, {})


def test_register_reuse_and_load_over_http(
    server: str, tiny_model: imgsim.SimilarityModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = MlflowClient(server, registry_uri=server)
    run_id = client.create_run(client.create_experiment("pipeline")).info.run_id
    first = registry.register(tiny_model, collection="remote", run_id=run_id, tracking_uri=server)
    assert (first.version, first.aliases, first.reused) == ("1", ("challenger", "champion"), False)
    again = registry.register(tiny_model, collection="remote", run_id=run_id, tracking_uri=server)
    assert again.reused
    assert registry.load("remote", tracking_uri=server).digest == tiny_model.digest

    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    model = mlflow.pyfunc.load_model(first.uri)
    found = model.predict(pd.DataFrame({"image": [tiny_model.images.read_bytes(0)]}), params={"k": 2})
    assert found["distance"][0] == 0.0
    assert found["id"][0] == tiny_model.ids[0]


def test_versions_share_files_over_http_and_old_ones_are_pruned(
    server: str, tiny_model: imgsim.SimilarityModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    client = MlflowClient(server, registry_uri=server)
    run_id = client.create_run(client.create_experiment("shared")).info.run_id
    tiny_model.save(tmp_path / "model")
    fewer = imgsim.load_model(tmp_path / "model")
    fewer.remove(fewer.ids[:1])
    for model in (fewer, tiny_model):
        registry.register(model, collection="shared", run_id=run_id, tracking_uri=server)
    (shared,) = shared_runs(client, "imgsim-shared")
    before = shared.sizes()
    assert len(before) == 3, "one network, and the thumbnails of each version"
    (lost,) = [sha256 for sha256, size in before.items() if size == max(before.values())]
    served = mlflow.pyfunc.load_model("models:/imgsim-shared/1").get_raw_model()
    assert served.thumbnails(range(39)) == fewer.thumbnails(range(39))
    assert prune("imgsim-shared", 1, tracking_uri=server).removed == ()  # the baseline, or the challenger
    client.set_registered_model_alias("imgsim-shared", "champion", "2")
    client.set_model_version_tag("imgsim-shared", "2", "imgsim.baseline", "2")
    done = prune("imgsim-shared", 1, tracking_uri=server)
    assert (done.removed, done.pieces) == (("1",), 1)
    assert lost in shared.sizes()
    whole = download_model("models:/imgsim-shared/2", tmp_path / "whole")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    assert load_model(whole).digest == tiny_model.digest


def test_what_the_server_lacks_is_named(server: str) -> None:
    with pytest.raises(RegistryError, match="no model imgsim-absent"):
        registry.load("absent", tracking_uri=server)
    with pytest.raises(RegistryError, match="no model imgsim-absent"):
        registry.load("absent", version=1, tracking_uri=server)


def test_a_command_downloads_a_version_once(
    server: str, tiny_model: imgsim.SimilarityModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def send(session, request, real=requests.Session.send, **options):
        asked.append(request.path_url)
        return real(session, request, **options)

    def answer(model: str, *options: str) -> list[str]:
        """Run a query; return the requests for artifacts."""
        asked.clear()
        result = CliRunner().invoke(app, ["query", model, "--id", "3", "-k", "2", "--json", *options])
        assert result.exit_code == 0, result.output
        assert json.loads(result.stdout)["queries"][0]["neighbors"][0]["id"] == 3
        assert asked  # which version the alias means is asked each time
        return [path for path in asked if "artifacts" in path]

    client = MlflowClient(server, registry_uri=server)
    run_id = client.create_run(client.create_experiment("commands")).info.run_id
    registry.register(tiny_model, collection="once", run_id=run_id, tracking_uri=server)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    monkeypatch.setattr(requests.Session, "send", send)
    assert len(answer("models:/imgsim-once@champion")) > 5
    assert answer("models:/imgsim-once@champion") == []
    assert answer("models:/imgsim-once/1") == []
    assert registry.load("once").digest == tiny_model.digest  # as the dashboard opens it
    assert not [path for path in asked if "artifacts" in path]
