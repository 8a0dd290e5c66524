"""`imgsim ui` for real: servers on free ports, and assets materialised through GraphQL as Dagster's UI does it."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import dagster as dg
import psutil
import pyarrow.parquet as pq
import pytest

from orchestration.assets import ASSETS
from orchestration.commands.servers import ServerError, check_ports
from orchestration.commands.ui import services
from orchestration.instance import prepare_instance

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

PROJECT = Path(__file__).resolve().parents[2]
SECONDS = 240
USER, SECRET = "somebody-with-a-name", "hush-hush-not-a-word"

ADD_PARTITION = """
mutation ($selector: RepositorySelector!, $set: String!, $key: String!) {
  addDynamicPartition(repositorySelector: $selector, partitionsDefName: $set, partitionKey: $key) {
    __typename ... on PythonError { message }
  }
}"""

LAUNCH = """
mutation ($params: ExecutionParams!) {
  launchPipelineExecution(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
    ... on RunConfigValidationInvalid { errors { message } }
  }
}"""

MATERIALIZATIONS = """
query { assetNodes { assetKey { path } assetMaterializations(limit: 1) { runId partition } } }
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Ui:
    """A running `imgsim ui`."""

    process: subprocess.Popen
    log: Path
    dagster: int
    mlflow: int
    dashboard: int

    @property
    def open_ports(self):
        return [port for port in (self.dagster, self.mlflow, self.dashboard) if answers(port)]


@pytest.fixture
def ui(home, tmp_path):
    """All three servers, started as a user does."""
    names = ("dagster", "mlflow", "dashboard")
    ports = {name: free_port() for name in names}
    options = [word for name in names for word in (f"--{name}-port", str(ports[name]))]
    environment = dict(os.environ)
    environment.pop("MLFLOW_TRACKING_URI")
    environment |= {"LOGNAME": USER, "AWS_SECRET_ACCESS_KEY": SECRET}
    log = tmp_path / "ui.txt"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "imgsim", "ui", *options],
            cwd=PROJECT,
            env=environment,
            stdout=output,
            stderr=output,
        )
    try:
        wait_for(lambda: "Ctrl-C stops" in log.read_text() or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        yield Ui(process, log, **ports)
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(60)


def answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_for(condition):
    limit = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < limit, "timed out"
        time.sleep(0.3)


def test_assets_materialise_as_in_the_browser_and_ctrl_c_stops_all_servers(ui, home, tiny_images):
    from dagster_graphql import DagsterGraphQLClient

    client = DagsterGraphQLClient("127.0.0.1", port_number=ui.dagster)
    locations = client._execute(
        "{ repositoriesOrError { ... on RepositoryConnection { nodes { name location { name } } } } }"
    )
    node = locations["repositoriesOrError"]["nodes"][0]
    selector = {"repositoryName": node["name"], "repositoryLocationName": node["location"]["name"]}
    added = client._execute(ADD_PARTITION, {"selector": selector, "set": "collections", "key": "shells"})
    assert added["addDynamicPartition"]["__typename"] == "AddDynamicPartitionSuccess", added

    run_id = launch(client, selector, tiny_images)
    wait_for(lambda: client.get_run_status(run_id) in (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE))
    assert client.get_run_status(run_id) is dg.DagsterRunStatus.SUCCESS
    nodes = client._execute(MATERIALIZATIONS)["assetNodes"]
    assert len(nodes) == sum(len(asset.keys) for asset in ASSETS)
    assert all(node["assetMaterializations"] == [{"runId": run_id, "partition": "shells"}] for node in nodes)

    with dg.DagsterInstance.from_config(str(prepare_instance())) as instance:
        event = instance.get_latest_materialization_event(dg.AssetKey("registered_model"))
    link = event.asset_materialization.metadata["mlflow_run"]
    assert isinstance(link, dg.UrlMetadataValue)
    assert link.value.startswith(f"http://127.0.0.1:{ui.mlflow}/#/experiments/")
    with urlopen(f"http://127.0.0.1:{ui.mlflow}/api/2.0/mlflow/registered-models/get?name=imgsim-shells") as answer:
        assert b'"champion"' in answer.read()

    with urlopen(f"http://127.0.0.1:{ui.dashboard}/evaluation") as answer:
        assert answer.status == 200

    assert listening(ui.process.pid) >= {("127.0.0.1", port) for port in ui.open_ports}
    assert {address for address, _ in listening(ui.process.pid)} == {"127.0.0.1"}

    ui.process.send_signal(signal.SIGINT)
    assert ui.process.wait(60) == 0
    assert ui.open_ports == []
    assert_tells_nothing(home, tiny_images)


def listening(pid):
    """Address and port of every socket on which the process and its children wait for others."""
    processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    sockets = []
    for process in processes:
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):  # the run's own may be ending
            sockets += process.net_connections("inet")
    return {(one.laddr.ip, one.laddr.port) for one in sockets if one.status == psutil.CONN_LISTEN}


def assert_tells_nothing(home, source):
    """Neither what others can download nor what MLflow shows names the user or a secret; files name no folder."""
    artifacts = [path for path in (home / "mlartifacts").rglob("*") if path.is_file()]
    assert {path.suffix for path in artifacts} >= {".parquet", ".json", ".arrow", ".html", ".yaml"}
    with sqlite3.connect(home / "mlflow.db") as database:
        shown = "\n".join(database.iterdump())
    for place, text in [*((path.name, content(path)) for path in artifacts), ("mlflow.db", shown.encode())]:
        folders = () if place == "mlflow.db" else (str(source), str(home))  # it knows where artifacts and pictures lie
        for word in (USER, SECRET, *folders):
            assert word.encode() not in text, (place, word)


def content(path):
    """Bytes of a file; a table's, unpacked, unless parts of it are shared files."""
    if path.suffix != ".parquet" or path.name == "thumbnails.parquet":
        return path.read_bytes()
    table = pq.read_table(path, partitioning=None)
    return repr((table.schema.metadata, table.to_pylist())).encode()


SMALL_SERVERS = """
import sys
from orchestration.commands import ui

def small(*ports):
    serve = [sys.executable, "-m", "http.server", "--bind", ui.HOST, "--directory", sys.argv[1]]
    return [ui.Service(f"Server{port}", port, [*serve, str(port)], "--port", "/") for port in map(int, sys.argv[2:])]

ui.services = small
from imgsim.cli import app
app(["ui"])
"""


def test_a_server_that_ends_is_named_and_takes_the_others_along(home, tmp_path):
    ports, log = [free_port() for _ in range(3)], tmp_path / "ui.txt"
    command = [sys.executable, "-c", SMALL_SERVERS, str(tmp_path), *map(str, ports)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=PROJECT, stdout=output, stderr=output)
    try:
        wait_for(lambda: "Ctrl-C stops" in log.read_text() or process.poll() is not None)
        assert all(map(answers, ports)), log.read_text()
        (ending,) = (one for one in psutil.Process(process.pid).children() if str(ports[1]) in one.cmdline())
        ending.kill()
        assert process.wait(60) == 1
        assert f"error: Server{ports[1]} ended with code -9" in log.read_text()
        assert not any(map(answers, ports))
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(60)


def launch(client, selector, source):
    params = {
        "selector": {**selector, "pipelineName": "pipeline"},
        "runConfigData": {
            "ops": {"images": {"config": {"source": str(source)}}, "features": {"config": {"backbone": "mini"}}}
        },
        "mode": "default",
        "executionMetadata": {"tags": [{"key": "dagster/partition", "value": "shells"}]},
    }
    launched = client._execute(LAUNCH, {"params": params})["launchPipelineExecution"]
    assert launched["__typename"] == "LaunchRunSuccess", launched
    return launched["run"]["runId"]


def test_a_busy_port_is_named_with_the_option_that_moves_it(home):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        wanted = services(free_port(), port, free_port())
        with pytest.raises(ServerError, match=rf"port {port} for MLflow is in use .* --mlflow-port {port + 1}"):
            check_ports(wanted)
