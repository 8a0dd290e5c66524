"""Real servers on free ports of 127.0.0.1, stopped with all their children."""

import logging
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import imgsim

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest

StartServer = Callable[[list[str], str, Path, dict[str, str]], str]

_SECONDS_TO_START = 180.0
_SECONDS_TO_STOP = 20.0


@pytest.fixture(scope="module")
def start_server() -> Iterator[StartServer]:
    """Start ``python -m <arguments>`` (``{port}`` is filled in), wait for ``path`` to answer 200, give its address."""
    running: list[subprocess.Popen[bytes]] = []

    def start(arguments: list[str], path: str, folder: Path, environment: dict[str, str]) -> str:
        port = _free_port()
        log = folder / f"server-{port}.log"
        command = [sys.executable, "-m", *(word.replace("{port}", str(port)) for word in arguments)]
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=_environment() | environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        running.append(process)
        address = f"http://127.0.0.1:{port}"
        _wait(address + path, process, log)
        return address

    yield start
    for process in running:
        _stop(process)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """Address of an S3 server, moto's, that starts without a bucket."""
    server = pytest.importorskip("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # not a line for each request
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def aws() -> dict[str, str]:
    """The environment of a client of that server, but for its address; nothing of the user's own."""
    return {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/nonexistent",
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _environment() -> dict[str, str]:
    """This process's, with its interpreter's tools and this imgsim first."""
    environment = dict(os.environ)
    source = str(Path(imgsim.__file__).parents[1])
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", "")])
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [source, environment.get("PYTHONPATH")]))
    return environment | {"MLFLOW_DISABLE_TELEMETRY": "true", "OMP_NUM_THREADS": "1"}


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    limit = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < limit and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    pytest.fail(f"{url} did not answer; exit status {process.poll()}:\n{log.read_text(errors='replace')[-3000:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGTERM)  # the session that was started here, and nothing else
        process.wait(_SECONDS_TO_STOP)
    except ProcessLookupError:
        process.wait()
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture
def dashboard_registry(dashboard_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The environment of a dashboard over that registry where nobody decided or saved anything; gives the folder."""
    import streamlit as st

    (dashboard_folder / "dashboard.db").unlink(missing_ok=True)
    monkeypatch.setenv("IMGSIM_HOME", str(dashboard_folder))
    monkeypatch.setenv("IMGSIM_DECISIONS", str(tmp_path / "decisions.db"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{dashboard_folder / 'mlflow.db'}")
    st.cache_data.clear()
    return dashboard_folder


@pytest.fixture
def open_page(dashboard_registry: Path) -> "Callable[..., AppTest]":
    """Run a page as the browser would: ``open_page("browse", k="7")``."""
    from streamlit.testing.v1 import AppTest

    main = Path(__file__).parents[2] / "dashboards" / "main.py"

    def run(page: str = "search", /, **query: str | list[str]) -> AppTest:
        test = AppTest.from_file(str(main), default_timeout=60)
        for name, value in query.items():
            test.query_params[name] = value
        test.run()  # a page is known once main.py has run
        return test if page == "start" else test.switch_page(f"views/{page}/page.py").run()

    return run
