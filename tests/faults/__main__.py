"""``python -m tests.faults``: the full count of faults; prints a line each and writes ``results.json``."""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks import environment
from tests.faults import disk, mlflow_faults, others
from tests.faults.homes import Homes, make_homes
from tests.faults.kills import Killed, by_operation, by_time, kill_in_turn

COLD_CHAINS = 1
DYING = ["images", "features", "neighbor_graph", "evaluation", "registered_model"]


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="how often to kill a run; default: 100")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="some of: kills, disk, read_only, two, mlflow, ...")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("results.json"), help="JSON file")
    return parser.parse_args(argv)


def kill_many(homes: Homes, wanted: int, seed: int) -> dict[str, Any]:
    """Chains of kills, one in each stage in turn, before a random operation on files or at a random moment."""
    rng = random.Random(seed)
    stages = homes.undisturbed.stages
    killed = Killed()
    while killed.kills < wanted:
        name = f"killed-{killed.chains}"
        home = homes.empty(name) if killed.chains < COLD_CHAINS else homes.new(name)
        choose = (by_operation, by_time)[killed.chains % 2]
        faults = list(choose(stages, rng))[: wanted - killed.kills]
        kill_in_turn(home, homes.reference, faults, killed)
        print(f"  {killed.kills} kills", flush=True)
    missed = set(stages) - set(killed.stages)
    assert wanted < len(stages) or not missed, f"never hit: {missed}"
    return {"kills": killed.kills, "by_stage": dict(sorted(killed.stages.items())), "recomputed": killed.recomputed}


def scenarios(homes: Homes, options: argparse.Namespace) -> dict[str, Callable[[], Any]]:
    """Name to what it does; each gives how many faults were survived, or facts about them."""
    stages = list(homes.undisturbed.stages)
    return {
        "kills": lambda: kill_many(homes, options.kills, options.seed),
        "disk_full": lambda: disk.fill_in_turn(homes, stages * 2),
        "read_only": lambda: sum(disk.read_only(homes, part) for part in ("", "store", "collections", "mlartifacts")),
        "two_at_once": lambda: others.two_at_once(homes, 3),
        "mlflow_down_or_500": lambda: mlflow_faults.down_and_answering_errors(homes, {}),
        "mlflow_dying_or_slow": lambda: mlflow_faults.dying_and_slow(homes, DYING),
        "clock_jumps": lambda: others.clock_jumps(homes, DYING),
        "little_memory": lambda: others.little_memory(homes),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run; 0, or 1 when something did not survive."""
    options = arguments(argv)
    results: dict[str, Any] = {}
    failed: list[str] = []
    with tempfile.TemporaryDirectory(prefix="imgsim-faults-") as work:
        homes = make_homes(Path(work))
        for name, scenario in scenarios(homes, options).items():
            if options.only and name not in options.only:
                continue
            started = time.perf_counter()
            try:
                results[name] = scenario()
            except (AssertionError, TimeoutError) as error:
                failed.append(name)
                print(f"{name} failed: {str(error)[-3000:]}", file=sys.stderr)
                traceback.print_exc(limit=-3)
            else:
                print(f"{name:<22}{results[name]}   {time.perf_counter() - started:.0f} s", flush=True)
    content = {"environment": environment.describe(), "seed": options.seed, "survived": results, "failed": failed}
    options.output.write_text(json.dumps(content, indent=1) + "\n")
    print(f"written to {options.output}")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
