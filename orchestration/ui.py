"""``python -m orchestration.ui``: Dagster, MLflow and the dashboard together, on this machine only."""

import argparse
import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from urllib.error import URLError
from urllib.request import urlopen

from imgsim.errors import MissingExtraError
from imgsim.io.home import home
from imgsim.mlflow.connection import default_tracking_uri
from orchestration.instance import prepare_instance
from orchestration.silence_tools import quiet

HOST = "127.0.0.1"
PROJECT = Path(__file__).resolve().parent.parent
DASHBOARD = PROJECT / "dashboards" / "app.py"
STARTUP_SECONDS = 180.0
SHUTDOWN_SECONDS = 20.0


class UiError(Exception):
    """The servers cannot be started; the message says what to do."""


@dataclass(frozen=True)
class Service:
    """A server: its command, where it answers, and the option that moves it."""

    name: str
    port: int
    command: list[str]
    option: str
    path: str = "/"

    @property
    def url(self) -> str:
        """Where a browser finds it."""
        return f"http://{HOST}:{self.port}"


def services(dagster_port: int, mlflow_port: int, dashboard_port: int) -> list[Service]:
    """What is to run; the dashboard only once it exists."""
    python = [sys.executable, "-m"]
    at = ["--host", HOST, "--port"]
    dagster = [*python, "dagster", "dev", "-w", str(PROJECT / "workspace.yaml"), *at, str(dagster_port)]
    found = [Service("Dagster", dagster_port, dagster, "--dagster-port", "/server_info")]
    uri = default_tracking_uri()
    if not uri.startswith("http"):  # else a server runs already
        store = ["--backend-store-uri", uri, "--artifacts-destination", (home() / "mlartifacts").as_uri()]
        mlflow = [*python, "mlflow", "server", *store, "--workers", "1", *at, str(mlflow_port)]
        found.append(Service("MLflow", mlflow_port, mlflow, "--mlflow-port", "/health"))
    if DASHBOARD.exists() and importlib.util.find_spec("streamlit"):
        options = ["--server.address", HOST, "--server.headless", "true", "--browser.gatherUsageStats", "false"]
        run = [*python, "streamlit", "run", str(DASHBOARD), "--server.port", str(dashboard_port), *options]
        found.append(Service("Dashboard", dashboard_port, run, "--dashboard-port", "/_stcore/health"))
    return found


def check_ports(wanted: list[Service]) -> None:
    """Refuse a port that something else listens on.

    Raises
    ------
    UiError
        Naming the port and the option that chooses another.
    """
    for service in wanted:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, service.port))
            except OSError as error:
                raise UiError(
                    f"port {service.port} for {service.name} is in use ({error.strerror}); stop what listens there or "
                    f"choose another: python -m orchestration.ui {service.option} {service.port + 1}"
                ) from error


class Servers:
    """Processes that live and end together, each in a process group of its own."""

    def __init__(self, wanted: list[Service], logs: Path) -> None:
        self._wanted = wanted
        self._logs = logs
        self._running: list[tuple[Service, subprocess.Popen[bytes]]] = []

    def start(self, environment: dict[str, str]) -> None:
        """Start all; their output goes to ``<logs>/<name>.log``."""
        self._logs.mkdir(parents=True, exist_ok=True)
        for service in self._wanted:
            with (self._logs / f"{service.name.lower()}.log").open("wb") as log:
                process = subprocess.Popen(
                    service.command,
                    cwd=PROJECT,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            self._running.append((service, process))

    def announce(self) -> None:
        """Print each address once it answers.

        Raises
        ------
        UiError
            One ended or does not answer.
        """
        limit = time.monotonic() + STARTUP_SECONDS
        waiting = [service for service, _ in self._running]
        while waiting:
            self.check_alive()
            for service in [s for s in waiting if _answers(s.url + s.path)]:
                _say(f"{service.name:<10} {service.url}")
                waiting.remove(service)
            if time.monotonic() > limit:
                raise UiError(
                    f"{waiting[0].name} did not answer in {STARTUP_SECONDS:.0f} s; see {self._log(waiting[0])}"
                )
            time.sleep(0.2)

    def check_alive(self) -> None:
        """Raise `UiError` if one of them has ended."""
        for service, process in self._running:
            if process.poll() is not None:
                raise UiError(f"{service.name} ended with code {process.returncode}; see {self._log(service)}")

    def stop(self) -> None:
        """Interrupt all together, wait, and kill what is left."""
        for _, process in self._running:
            _signal(process, signal.SIGINT)
        limit = time.monotonic() + SHUTDOWN_SECONDS
        for _, process in self._running:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, limit - time.monotonic()))
        for _, process in self._running:  # also children that outlived their parent
            _signal(process, signal.SIGKILL)
            process.wait()

    def _log(self, service: Service) -> Path:
        return self._logs / f"{service.name.lower()}.log"


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201  a command for people


def _stop_requested(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m orchestration.ui", description=__doc__)
    parser.add_argument("--dagster-port", type=int, default=3000)
    parser.add_argument("--mlflow-port", type=int, default=5000)
    parser.add_argument("--dashboard-port", type=int, default=8501)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Run until Ctrl-C or SIGTERM; the exit code is 0 then, 1 when a server could not start or ended."""
    options = arguments(argv)
    quiet()
    try:
        prepare_instance()
    except MissingExtraError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    wanted = services(options.dagster_port, options.mlflow_port, options.dashboard_port)
    shown = next((s.url for s in wanted if s.name == "MLflow"), default_tracking_uri())
    environment = {**os.environ, "IMGSIM_HOME": str(home()), "IMGSIM_MLFLOW_UI": shown}
    servers = Servers(wanted, home() / "logs")
    signal.signal(signal.SIGTERM, _stop_requested)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a script's "&" hands down SIG_IGN: children must not
    try:
        check_ports(wanted)
        _say(f"starting {', '.join(s.name for s in wanted)}; logs in {home() / 'logs'}")
        servers.start(environment)
        servers.announce()
        _say("Ctrl-C stops all of them.")
        while True:
            servers.check_alive()
            time.sleep(1)
    except UiError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        _say("stopping")
        return 0
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        servers.stop()


if __name__ == "__main__":
    raise SystemExit(main())
