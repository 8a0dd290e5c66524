"""The served model and the dashboard under few and many clients at once, each asking again as soon as it is answered.

One answer that is an error, or does not come, and there is no result. Memory is that of the server's processes,
after a warm-up with as many clients and again at the end.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil

import imgsim
from orchestration.commands.servers import Servers, Service
from tests.benchmarks import prepared
from tests.benchmarks.child import clean_environment
from tests.benchmarks.dashboard import listener, register
from tests.benchmarks.load_clients import Client, Serving, Session
from tests.benchmarks.measure import percentiles_ms
from tests.benchmarks.settings import Row, Settings
from tests.dashboard_browser import HOST, dashboard, free_port

WARM_UP = 0.1
PHOTOS = 40


def measure(settings: Settings) -> list[Row]:
    """A row for each server and number of clients.

    Raises
    ------
    RuntimeError
        An answer was an error, or none came.
    """
    model = imgsim.load_model(prepared.model_folder(settings))
    photos = prepared.new_pictures(settings, PHOTOS)
    home = settings.work / "load"
    register(model, home)
    ids = [int(i) for i in model.ids]
    rows: list[Row] = []
    with served(home, clean_environment(home)) as address:
        for clients in settings.clients:
            rows.append(_load("mlflow models serve", address, clients, settings.seconds, _servings(address, photos)))
    with dashboard(home, clean_environment(home)) as address:
        for clients in settings.clients:
            rows.append(_load("dashboard", address, clients, settings.seconds, _sessions(address, ids)))
    return rows


def _servings(address: str, photos: list[Path]) -> Callable[[int], Client]:
    return lambda number: Serving(address, photos, number)


def _sessions(address: str, ids: list[int]) -> Callable[[int], Client]:
    return lambda number: Session(address, ids, 7 * number)


@contextmanager
def served(home: Path, environment: dict[str, str]) -> Iterator[str]:
    """``mlflow models serve`` of the champion in the registry of ``home``; gives its address."""
    port = free_port()
    model = ["-m", "models:/imgsim-bench@champion", "--env-manager", "local"]
    command = [sys.executable, "-m", "mlflow", "models", "serve", *model, "--host", HOST, "--port", str(port)]
    tools = os.pathsep.join([str(Path(sys.executable).parent), environment["PATH"]])  # it starts uvicorn by name
    place = {"MLFLOW_TRACKING_URI": f"sqlite:///{home / 'mlflow.db'}", "PATH": tools}
    servers = Servers([Service("Serving", port, command, "--port", "/ping")], home / "logs")
    try:
        servers.start({**environment, **place})
        servers.announce()
        yield f"http://{HOST}:{port}"
    finally:
        servers.stop()


def _load(what: str, address: str, clients: int, seconds: float, make: Callable[[int], Client]) -> Row:
    server = listener(address)
    taken: list[float] = []
    problems: list[str] = []
    started = threading.Barrier(clients + 1)

    def busy(number: int) -> None:
        try:
            with closing(make(number)) as client:
                client.ask()
                _until(client, time.monotonic() + WARM_UP * seconds)
                started.wait()
                taken.extend(_until(client, time.monotonic() + seconds))
        except Exception as error:  # noqa: BLE001  whatever went wrong is an answer that did not come
            problems.append(f"{type(error).__name__}: {error}")
            started.abort()

    threads = [threading.Thread(target=busy, args=(number,), daemon=True) for number in range(clients)]
    for thread in threads:
        thread.start()
    try:
        started.wait()
    except threading.BrokenBarrierError:
        raise RuntimeError(f"{what}, {clients} clients: {problems}") from None
    before, start = _memory_mb(server), time.monotonic()
    for thread in threads:
        thread.join()
    wall = time.monotonic() - start
    if problems:
        raise RuntimeError(f"{what}, {clients} clients: {problems}")
    row: Row = {"what": what, "clients": clients, "answers": len(taken), "answers_per_s": len(taken) / wall}
    return row | percentiles_ms(taken) | {"memory_mb": before, "memory_after_mb": _memory_mb(server)}


def _until(client: Client, limit: float) -> list[float]:
    """Seconds of each answer until the time is over."""
    taken = []
    while (start := time.monotonic()) < limit:
        client.ask()
        taken.append(time.monotonic() - start)
    return taken


def _memory_mb(server: psutil.Process) -> float:
    return sum(process.memory_info().rss for process in (server, *server.children(recursive=True))) / 1e6
