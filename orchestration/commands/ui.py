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
from imgsim.cli.interrupts import uninstall
from imgsim.io.home import home
from imgsim.mlflow.connection import create_database, default_tracking_uri, find_experiment, page
from imgsim.mlflow.sqlite_store import artifacts
from orchestration.commands.extras import require_pipeline
from orchestration.commands.servers import HOST, Servers, Service, check_ports

DAGSTER, MLFLOW, DASHBOARD = 3000, 5000, 8501
"""Default ports."""


def ui(
    dagster_port: Annotated[int, typer.Option(help="Port of Dagster.")] = DAGSTER,
    mlflow_port: Annotated[int, typer.Option(help="Port of MLflow.")] = MLFLOW,
    dashboard_port: Annotated[int, typer.Option(help="Port of the dashboard.")] = DASHBOARD,
) -> None:
    """Start Dagster, MLflow and the dashboard, until Ctrl-C."""
    require_pipeline("ui")
    from orchestration.automation.watched import interval_seconds, watched_root
    from orchestration.instance import prepare_instance
    from orchestration.silence_tools import quiet

    quiet()
    interval_seconds()  # Dagster would tell a wrong one in its log only
    prepare_instance()
    watched_root().mkdir(parents=True, exist_ok=True)
    create_database(default_tracking_uri())  # by one process: servers that start together would all make its tables
    experiment = find_experiment()
    wanted = services(dagster_port, mlflow_port, dashboard_port, experiment)
    servers = Servers(wanted, home() / "logs")
    signal.signal(signal.SIGTERM, _stop_requested)
    uninstall()  # also where a script's "&" hands down SIG_IGN, which children must not inherit
    try:
        check_ports(wanted)
        note(f"starting {', '.join(s.name for s in wanted)}; logs in {home() / 'logs'}")
        servers.start(_environment(wanted))
        servers.announce()
        if elsewhere := page(experiment, base=default_tracking_uri()):
            note(f"{'MLflow':<10} {elsewhere}")
        note(f"runs       http://{HOST}:{dagster_port}/runs; each folder in {watched_root()} becomes a collection")
        note("Ctrl-C stops all of them.")
        while True:
            servers.check_alive()
            time.sleep(1)
    except KeyboardInterrupt:
        note("stopping")
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        servers.stop()


def services(
    dagster_port: int = DAGSTER, mlflow_port: int = MLFLOW, dashboard_port: int = DASHBOARD, experiment: str = ""
) -> list[Service]:
    """Return the servers to run: no dashboard without Streamlit, no MLflow server if a remote one is configured.

    MLflow opens with the runs of ``experiment``, if given.
    """
    python = [sys.executable, "-m"]
    at = ["--host", HOST, "--port"]
    code = ["-m", "orchestration.definitions", "--working-directory", str(home())]
    dagster = [*python, "dagster", "dev", *code, *at, str(dagster_port)]
    found = [Service("Dagster", dagster_port, dagster, "--dagster-port", "/server_info")]
    uri = default_tracking_uri()
    if not uri.startswith("http"):  # else a server runs already
        store = ["--backend-store-uri", uri, "--artifacts-destination", artifacts().as_uri()]
        mlflow = [*python, "mlflow", "server", *store, "--workers", "1", *at, str(mlflow_port)]
        opens = page(experiment, base=f"http://{HOST}:{mlflow_port}") if experiment else None
        found.append(Service("MLflow", mlflow_port, mlflow, "--mlflow-port", "/health", opens=opens or ""))
    if find_spec("streamlit"):
        options = ["--server.address", HOST, "--server.headless", "true", "--browser.gatherUsageStats", "false"]
        run = [*python, "streamlit", "run", str(_dashboard()), "--server.port", str(dashboard_port), *options]
        base = os.environ.get("STREAMLIT_SERVER_BASE_URL_PATH", "").strip("/")
        base = f"/{base}" if base else ""
        found.append(Service("Dashboard", dashboard_port, run, "--dashboard-port", "/_stcore/health", base=base))
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
    environment = {**os.environ, "IMGSIM_HOME": str(home()), "IMGSIM_MLFLOW_UI": shown, "PYTHONSAFEPATH": "1"}
    if given := environment.get("PYTHONPATH"):  # Dagster drops the first folder, which it takes for the current one
        environment["PYTHONPATH"] = os.pathsep.join([str(home()), given])
    return environment


def _stop_requested(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
