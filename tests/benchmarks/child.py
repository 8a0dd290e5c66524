"""``python -m tests.benchmarks.child NAME SETTINGS OUTPUT``: one benchmark in a process of its own."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from tests.benchmarks.settings import Row, Settings

THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMBA_NUM_THREADS",
)
ALL_CORES = ("rerun", "dashboard", "load")
LOGGED = ("scale",)
"""Those that may take hours, and tell each step on stderr when it is done."""
OF_THE_USER = ("IMGSIM_HOME", "DAGSTER_HOME", "MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI", "NUMBA_CACHE_DIR")


def clean_environment(home: Path) -> dict[str, str]:
    """This process's environment with ``home`` for everything that imgsim, Dagster and MLflow keep."""
    kept = {name: value for name, value in os.environ.items() if name not in OF_THE_USER}
    return kept | {"IMGSIM_HOME": str(home), "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "1"}


def one_thread(environment: dict[str, str]) -> dict[str, str]:
    """With one BLAS, OpenMP and numba thread: must be set before NumPy is imported."""
    return environment | dict.fromkeys(THREADS, "1")


def run_in_child(name: str, settings: Settings) -> list[Row]:
    """Measure ``name`` in a fresh process and return its rows.

    Raises
    ------
    RuntimeError
        The benchmark failed; the message ends with what it wrote.
    """
    from tests.benchmarks.measure import run_python

    notes, output = settings.work / "settings.json", settings.work / f"{name}.json"
    settings.save(notes)
    environment = clean_environment(settings.home)
    if name not in ALL_CORES:
        environment = one_thread(environment)
    run_python(["-m", "tests.benchmarks.child", name, str(notes), str(output)], environment, log=name in LOGGED)
    rows: list[Row] = json.loads(output.read_text())
    return rows


def main(arguments: Sequence[str]) -> None:
    """Import the benchmark, measure, write its rows."""
    from tests.benchmarks.measure import pin_to_one_core

    name, notes, output = arguments
    if name not in ALL_CORES:
        pin_to_one_core()
    benchmark = import_module(f"tests.benchmarks.{name}")
    Path(output).write_text(json.dumps(benchmark.measure(Settings.load(Path(notes)))))


if __name__ == "__main__":
    main(sys.argv[1:])
