"""Cold start: what a fresh process costs up to its first answer. The files are in the page cache."""

from __future__ import annotations

import os

from tests.benchmarks import prepared
from tests.benchmarks.measure import median_cost, run_python
from tests.benchmarks.settings import Row, Settings

REPEATS = 5
ASK = "import sys, imgsim; imgsim.load_model(sys.argv[1]).query({query}, k=10)"
PROGRAMS = {
    "python alone": "pass",
    "import imgsim": "import imgsim",
    "load a model, first query by a stored image": ASK.format(query="int(sys.argv[3])"),
    "load a model, first query by a new file": ASK.format(query="sys.argv[2]"),
}


def measure(settings: Settings) -> list[Row]:
    """A row per program: medians over fresh processes, after one that does not count."""
    model, new = prepared.model_folder(settings), prepared.new_pictures(settings, 1)[0]
    stored = _first_id(settings)
    rows: list[Row] = []
    for what, program in PROGRAMS.items():
        command = ["-c", program, str(model), str(new), stored]
        costs = [run_python(command, os.environ).cost for _ in range(REPEATS + 1)]
        cost = median_cost(costs[1:])
        rows.append({"what": what, "processes": REPEATS, "cpu_s": cost.cpu, "wall_s": cost.wall})
    return rows


def _first_id(settings: Settings) -> str:
    import imgsim

    return str(imgsim.load_model(prepared.model_folder(settings)).ids[0])
