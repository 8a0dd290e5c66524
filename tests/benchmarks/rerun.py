"""The pipeline again with nothing changed: ``imgsim run`` twice, on all cores, as a user does."""

from __future__ import annotations

from tests.benchmarks.child import clean_environment
from tests.benchmarks.measure import run_python
from tests.benchmarks.settings import Row, Settings

FLOOR_S = 10.0


def measure(settings: Settings) -> list[Row]:
    """The first run in an empty home, then the same again."""
    command = ["-m", "imgsim", "run", str(settings.images), "--backbone", settings.backbone]
    command += ["--collection", "bench", *(["--weights", settings.weights] if settings.weights else [])]
    environment = clean_environment(settings.work / "rerun")
    rows: list[Row] = []
    for what in ("first run", "again, nothing changed"):
        done = run_python(command, environment)
        row: Row = {"what": what, "wall_s": done.cost.wall, "cpu_s": done.cost.cpu, "reused": _reused(done.output)}
        rows.append(row)
    rows[-1]["floor_wall_s"] = FLOOR_S
    return rows


def _reused(output: str) -> str:
    """What the command says it took over."""
    lines = [line.split(maxsplit=1) for line in output.splitlines()]
    return next((line[1] for line in lines if line[:1] == ["reused"] and len(line) == 2), "")
