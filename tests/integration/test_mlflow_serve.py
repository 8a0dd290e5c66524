"""``mlflow models serve`` answering real HTTP requests."""

import base64
import json
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

import imgsim
from imgsim.mlflow import registry

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory,
    start_server: Callable[..., str],
    tiny_model: imgsim.SimilarityModel,
    empty_database: Path,
) -> str:
    folder = tmp_path_factory.mktemp("serve")
    uri = f"sqlite:///{shutil.copy(empty_database, folder)}"
    client = MlflowClient(uri, registry_uri=uri)
    experiment = client.create_experiment("pipeline", artifact_location=str(folder / "mlartifacts"))
    run_id = client.create_run(experiment).info.run_id
    registered = registry.register(tiny_model, collection="served", run_id=run_id, tracking_uri=uri)
    arguments = ["mlflow", "models", "serve", "-m", f"models:/{registered.name}@champion", "--env-manager", "local"]
    where = ["--host", "127.0.0.1", "--port", "{port}"]
    return start_server([*arguments, *where], "/ping", folder, {"MLFLOW_TRACKING_URI": uri})


def post(server: str, body: dict[str, Any]) -> tuple[int, Any]:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{server}/invocations", json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, json.loads(response.read(), parse_constant=pytest.fail)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def test_base64_images(server: str, tiny_model: imgsim.SimilarityModel) -> None:
    pictures = [base64.b64encode(tiny_model.images.read_bytes(i)).decode() for i in range(2)]
    body = {"dataframe_split": {"columns": ["image"], "data": [[one] for one in pictures]}, "params": {"k": 3}}
    status, answer = post(server, body)
    assert status == 200
    rows = answer["predictions"]
    assert [(row["query"], row["rank"]) for row in rows] == [(0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (1, 3)]
    assert [rows[0]["id"], rows[3]["id"]] == [int(i) for i in tiny_model.ids[:2]]
    assert rows[0]["distance"] == 0.0
    assert rows[0]["path"] == tiny_model.images.paths[0]
    assert rows[0]["label"] == tiny_model.images.labels[0]


def test_stored_ids(server: str, tiny_model: imgsim.SimilarityModel) -> None:
    ids = [int(i) for i in tiny_model.ids[:2]]
    status, answer = post(server, {"dataframe_records": [{"id": i} for i in ids], "params": {"k": 4, "radius": None}})
    assert status == 200
    expected = tiny_model.query(ids, k=4)
    assert [row["id"] for row in answer["predictions"]] == expected["reference_label"].tolist()
    assert [row["distance"] for row in answer["predictions"]] == pytest.approx(expected["distance"].tolist(), abs=1e-6)


@pytest.mark.parametrize("form", ["inputs", "instances", "columns"])
def test_every_form_of_request_that_mlflow_knows(server: str, tiny_model: imgsim.SimilarityModel, form: str) -> None:
    pictures = [base64.b64encode(tiny_model.images.read_bytes(i)).decode() for i in range(2)]
    rows = [{"image": one} for one in pictures]
    body: dict[str, Any] = {"inputs": {"image": pictures}} if form == "columns" else {form: rows}
    status, answer = post(server, body | {"params": {"k": 1}})
    assert status == 200
    assert [row["id"] for row in answer["predictions"]] == [int(i) for i in tiny_model.ids[:2]]


def test_a_bad_row_does_not_fail_the_request(server: str, tiny_model: imgsim.SimilarityModel) -> None:
    good = base64.b64encode(tiny_model.images.read_bytes(0)).decode()
    status, answer = post(server, {"dataframe_records": [{"image": "%%%"}, {"image": good}], "params": {"k": 1}})
    assert status == 200
    bad, fine = answer["predictions"]
    assert "base64" in bad["error"]
    assert (bad["id"], bad["distance"]) == (None, None)
    assert (fine["query"], fine["error"], fine["distance"]) == (1, None, 0.0)


def test_the_server_reads_no_files_of_its_own(server: str, tiny_model: imgsim.SimilarityModel, tmp_path: Path) -> None:
    for path in (tiny_model.images.locations[0], "/etc/hostname", str(tmp_path / "gone")):
        status, answer = post(server, {"dataframe_records": [{"path": path}]})
        assert status == 200
        assert [row["error"] for row in answer["predictions"]] == [
            "this server does not read its own files; send the image, or start it with IMGSIM_ALLOW_PATHS=1."
        ]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"dataframe_records": [{"id": 0}], "params": {"k": 0}}, "at least 1"),
        ({"dataframe_records": [{"id": 0}], "params": {"k": "many"}}, "k"),
        ({"dataframe_records": [{"picture": "x"}]}, "exactly one of"),
    ],
)
def test_a_senseless_request_is_a_400_with_the_reason(server: str, body: dict[str, Any], why: str) -> None:
    status, answer = post(server, body)
    assert status == 400
    assert why in answer["message"]
    assert "stack_trace" not in answer
