"""A team's servers from the files in ``deploy/``: MLflow and Dagster on PostgreSQL, artifacts on S3; and what fails."""

import json
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from dotenv import dotenv_values
from typer.testing import CliRunner

import imgsim
from dashboards.services.models import registry
from imgsim.cli import app
from orchestration.assets import ASSETS
from tests import postgres
from tests.commands import imgsim_command

pytest.importorskip("dagster_postgres")
boto3 = pytest.importorskip("boto3")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.skipif(postgres.programs() is None, reason="no PostgreSQL: apt-get install postgresql"),
]

PROJECT = Path(__file__).resolve().parents[2]
DEPLOY = PROJECT / "deploy"
BUCKET = str(dotenv_values(DEPLOY / "mlflow.env")["MLFLOW_ARTIFACTS_DESTINATION"]).removeprefix("s3://")
SECRETS = (postgres.PASSWORD, "aws-secret-key-of-the-server")


@pytest.fixture(scope="module")
def database() -> Iterator[postgres.Cluster]:
    """PostgreSQL with the databases of `databases.sql`."""
    with postgres.cluster() as running:
        running.psql("-d", "postgres", "-f", str(DEPLOY / "databases.sql"))
        yield running


@pytest.fixture(scope="module")
def bucket(endpoint: str, aws: dict[str, str]) -> Any:
    """The bucket that `mlflow.env` names."""
    keys = {"aws_access_key_id": aws["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": SECRETS[1]}
    s3 = boto3.resource("s3", endpoint_url=endpoint, region_name=aws["AWS_DEFAULT_REGION"], **keys)
    return s3.create_bucket(Bucket=BUCKET)


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory,
    start_server: Callable[..., str],
    database: postgres.Cluster,
    bucket: Any,
    endpoint: str,
    aws: dict[str, str],
) -> str:
    """MLflow as `mlflow.env` says, but for the port and the number of processes. It alone knows the bucket."""
    secrets = {"AWS_SECRET_ACCESS_KEY": SECRETS[1], "AWS_ENDPOINT_URL": endpoint}
    arguments = ["mlflow", "--env-file", str(DEPLOY / "mlflow.env"), "server", "--port", "{port}", "--workers", "1"]
    folder = tmp_path_factory.mktemp("mlflow-server")
    return start_server(arguments, "/health", folder, database.environment | aws | secrets)


@pytest.fixture
def team(
    home: Path,
    tiny_store: imgsim.FeatureStore,
    tiny_model: imgsim.SimilarityModel,
    server: str,
    database: postgres.Cluster,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """A member's machine, as the guide for teams says; the tiny images' features are there. Gives its home."""
    (home / "dagster" / "dagster.yaml").symlink_to(DEPLOY / "dagster.yaml")
    shutil.copytree(tiny_store.root, home / "store")
    member = {"MLFLOW_TRACKING_URI": server, "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"}  # steps are tried again anyhow
    for name, value in (database.environment | member).items():
        monkeypatch.setenv(name, value)
    return home


def run(pictures: Path, collection: str) -> int:
    return imgsim_command("run", pictures, "--backbone", "mini", "--collection", collection)


def test_a_model_goes_in_on_one_machine_and_comes_out_on_another(
    team: Path,
    database: postgres.Cluster,
    bucket: Any,
    tiny_images: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    assert run(tiny_images, "tiny") == 0, capfd.readouterr().err
    assert "imgsim-tiny version 1 (challenger, champion)" in capfd.readouterr().out

    dagster = partial(database.psql, "-d", "dagster", "-c")
    assert dagster("SELECT status FROM runs") == "SUCCESS"
    made = "SELECT DISTINCT asset_key FROM event_logs WHERE dagster_event_type = 'ASSET_MATERIALIZATION'"
    assert set(dagster(made).split()) == {key.to_string() for asset in ASSETS for key in asset.keys}
    mlflow = partial(database.psql, "-d", "mlflow", "-c")
    assert mlflow("SELECT status FROM runs").split() == ["FINISHED"] * 2  # of the pipeline, and of shared files
    assert mlflow("SELECT alias FROM registered_model_aliases ORDER BY 1").split() == ["challenger", "champion"]
    objects = {item.key.rpartition("/")[2] for item in bucket.objects.all()}
    assert objects >= {"manifest.json", "MLmodel", "insights.html"}
    own = [path for path in team.rglob("*") if path.suffix == ".db" or path.name == "mlartifacts"]
    assert [path.name for path in own] == ["scans.db"]
    kept = [database.dump("dagster"), database.dump("mlflow"), *map(Path.read_bytes, files(team))]
    kept += [item.get()["Body"].read() for item in bucket.objects.all()]
    assert not any(secret.encode() in content for secret in SECRETS for content in kept)

    monkeypatch.setenv("IMGSIM_HOME", str(tmp_path))
    opened = registry.load(registry.newest())
    assert (opened.name, opened.version, len(opened)) == ("imgsim-tiny", "1", 40)
    monkeypatch.setenv("MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD", "false")  # all of it through the server
    picture = next((tiny_images / "cube").iterdir())
    asked = CliRunner().invoke(app, ["query", "models:/imgsim-tiny@champion", str(picture), "-k", "1", "--json"])
    assert json.loads(asked.stdout)["queries"][0]["neighbors"][0]["path"] == f"cube/{picture.name}", asked.output


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.resolve().is_relative_to(folder)]


def test_a_database_that_is_down(
    team: Path, database: postgres.Cluster, server: str, tiny_images: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    database.stop()
    try:
        assert run(tiny_images, "down") == 1
        message = only_message(capfd)
        assert message.startswith('error: Dagster\'s database failed: connection to server at "127.0.0.1"')
        assert "Start PostgreSQL, or check PGHOST" in message

        (team / "dagster" / "dagster.yaml").unlink()  # Dagster's records are here then, MLflow's still there
        assert run(tiny_images, "down") == 1
        message = only_message(capfd)
        assert message.startswith(f"error: images: MLflow at {server} refused: ")
        assert "Most likely its database does not answer" in message
    finally:
        database.start()


def test_a_bucket_that_is_missing(
    team: Path, bucket: Any, server: str, tiny_images: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    bucket.objects.delete()
    bucket.delete()
    try:
        assert run(tiny_images, "no-bucket") == 1
        message = only_message(capfd)
        assert message.startswith(f"error: images: MLflow at {server} refused: ")
        assert "see that its bucket is there" in message
    finally:
        bucket.create()


def only_message(capfd: pytest.CaptureFixture[str]) -> str:
    """The last line of stderr; nothing else there but what servers and libraries log, and no traceback."""
    lines = capfd.readouterr().err.splitlines()
    assert "Traceback" not in " ".join(lines)
    return lines[-1]
