"""The pipeline against an MLflow server that fails it."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

from tests.faults.homes import Homes
from tests.faults.runs import Home, Run
from tests.faults.servers import Proxy, mlflow_server
from tests.faults.state import check_nothing_half_written, check_same

SECONDS = 400.0
IMPATIENT = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"}


def down_and_answering_errors(homes: Homes, environment: dict[str, str]) -> int:
    """Nobody listens, or every request is answered with 500: one message says so and what to do."""
    down, errors = Proxy(), Proxy(mode="500")
    down.close()
    with closing(errors):
        pairs = [(homes.new("down"), down), (homes.new("errors"), errors)]
        runs = [_start(home, proxy, environment) for home, proxy in pairs]
        for run, (home, proxy) in zip(runs, pairs, strict=True):
            _check_refused(run.wait(SECONDS), proxy, home, homes)
    assert errors.hurt
    return len(pairs)


def dying_and_slow(homes: Homes, stages: list[str]) -> int:
    """A real server goes away, or fails, as each stage starts: the run fails cleanly, and goes on once it is back.

    In the last run it is slow, which only takes longer. Returns the number of faults.
    """
    home = homes.new("dying")
    home.database = homes.work / "mlflow-server" / "mlflow.db"
    with mlflow_server(home.database.parent) as address, closing(Proxy(address)) as proxy:
        for number, stage in enumerate(stages):
            proxy.mode = "pass"
            note = homes.work / f"mlflow-{stage}"
            run = _start(home, proxy, {}, {"stage": stage, "write": str(note)})
            _turn_when_there(note, proxy, ("gone", "500")[number % 2], run)
            _check_refused(run.wait(SECONDS), proxy, home, homes)
        proxy.mode, proxy.seconds = "slow", 0.2
        run = _start(home, proxy, {}).wait()
        assert run.code == 0, run.output
        check_same(home, homes.reference)
    return len(stages) + 1


def _start(home: Home, proxy: Proxy, environment: dict[str, str], fault: dict[str, object] | None = None) -> Run:
    return home.start(fault, environment={"MLFLOW_TRACKING_URI": proxy.address} | environment)


def _check_refused(run: Run, proxy: Proxy, home: Home, homes: Homes) -> None:
    assert run.code == 1, run.output
    assert len(run.error.splitlines()) == 1, run.output
    assert proxy.address in run.error, run.output
    assert "MLFLOW_TRACKING_URI" in run.error, run.output
    check_nothing_half_written(home, homes.reference)


def _turn_when_there(note: Path, proxy: Proxy, mode: str, run: Run) -> None:
    while not note.exists() and run.process.is_alive():
        time.sleep(0.002)
    proxy.mode = mode
