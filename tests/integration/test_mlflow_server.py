"""Register and load over HTTP, against a real ``mlflow server`` that proxies its artifacts."""

from collections.abc import Callable

import mlflow
import pandas as pd
import pytest
from mlflow import MlflowClient

import imgsim
from imgsim.errors import RegistryError
from imgsim.mlflow import registry

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


def test_what_the_server_lacks_is_named(server: str) -> None:
    with pytest.raises(RegistryError, match="no model imgsim-absent"):
        registry.load("absent", tracking_uri=server)
    with pytest.raises(RegistryError, match="no model imgsim-absent"):
        registry.load("absent", version=1, tracking_uri=server)
