"""``imgsim ui``: Dagster, MLflow and the dashboard together, on this machine only."""

from __future__ import annotations

import os
import signal
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from imgsim.cli.console import note
from imgsim.io.home import home
from imgsim.mlflow.connection import create_database, default_tracking_uri
from orchestration.commands.extras import require_pipeline
from orchestration.commands.servers import HOST, Servers, Service, check_ports

DAGSTER, MLFLOW, DASHBOARD = 3000, 5000, 8501
"""Default ports."""


def ui(
    dagster_port: Annotated[int, typer.Option(help="Port of Dagster.")] = DAGSTER,
    mlflow_port: Annotated[int, typer.Option(help="Port of MLflow.")] = MLFLOW,
    dashboard_port: Annotated[int, typer.Option(help="Port of the dashboard.")] = DASHBOARD,
) -> None:
    """Start Dagster, MLflow and the dashboard on 127.0.0.1, until Ctrl-C."""
    require_pipeline("ui")
    from orchestration.instance import prepare_instance
    from orchestration.silence_tools import quiet

    quiet()
    prepare_instance()
    create_database(default_tracking_uri())  # by one process: servers that start together would all make its tables
    wanted = services(dagster_port, mlflow_port, dashboard_port)
    servers = Servers(wanted, home() / "logs")
    signal.signal(signal.SIGTERM, _stop_requested)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a script's "&" hands down SIG_IGN: children must not
    try:
        check_ports(wanted)
        note(f"starting {', '.join(s.name for s in wanted)}; logs in {home() / 'logs'}")
        servers.start(_environment(wanted))
        servers.announce()
        note("Ctrl-C stops all of them.")
        while True:
            servers.check_alive()
            time.sleep(1)
    except KeyboardInterrupt:
        note("stopping")
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        servers.stop()


def services(dagster_port: int = DAGSTER, mlflow_port: int = MLFLOW, dashboard_port: int = DASHBOARD) -> list[Service]:
    """Return the servers to run: no dashboard without Streamlit, no MLflow server if a remote one is configured."""
    python = [sys.executable, "-m"]
    at = ["--host", HOST, "--port"]
    code = ["-m", "orchestration.definitions", "--working-directory", str(home())]
    dagster = [*python, "dagster", "dev", *code, *at, str(dagster_port)]
    found = [Service("Dagster", dagster_port, dagster, "--dagster-port", "/server_info")]
    uri = default_tracking_uri()
    if not uri.startswith("http"):  # else a server runs already
        store = ["--backend-store-uri", uri, "--artifacts-destination", (home() / "mlartifacts").as_uri()]
        mlflow = [*python, "mlflow", "server", *store, "--workers", "1", *at, str(mlflow_port)]
        found.append(Service("MLflow", mlflow_port, mlflow, "--mlflow-port", "/health"))
    if find_spec("streamlit"):
        options = ["--server.address", HOST, "--server.headless", "true", "--browser.gatherUsageStats", "false"]
        run = [*python, "streamlit", "run", str(_dashboard()), "--server.port", str(dashboard_port), *options]
        found.append(Service("Dashboard", dashboard_port, run, "--dashboard-port", "/_stcore/health"))
    return found


def _dashboard() -> Path:
    """Return the dashboard's script, in a checkout or an installed package; it is not imported."""
    spec = find_spec("dashboards")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).with_name("app.py")


def _environment(wanted: list[Service]) -> dict[str, str]:
    """Return the servers' environment; they import nothing from the current folder."""
    shown = next((service.url for service in wanted if service.name == "MLflow"), default_tracking_uri())
    return {**os.environ, "IMGSIM_HOME": str(home()), "IMGSIM_MLFLOW_UI": shown, "PYTHONSAFEPATH": "1"}


def _stop_requested(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
