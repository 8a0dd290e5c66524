"""Clocks and meters: CPU and wall seconds of a call or of a child process, peak memory, percentiles."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TypeVar

import numpy as np

Value = TypeVar("Value")
REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True)
class Cost:
    """Seconds on the clock, and of all cores together."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class Finished:
    """A child process that succeeded: its cost with that of its own children, and what it printed."""

    cost: Cost
    output: str


def timed(call: Callable[[], Value]) -> tuple[Value, Cost]:
    """Result and cost (all threads of this process) of one call."""
    wall, cpu = time.perf_counter(), time.process_time()
    value = call()
    return value, Cost(time.perf_counter() - wall, time.process_time() - cpu)


def repeated(call: Callable[[], object], times: int = 3) -> Cost:
    """Medians over ``times`` calls."""
    return median_cost([timed(call)[1] for _ in range(times)])


def median_cost(costs: Sequence[Cost]) -> Cost:
    """Median wall and median CPU seconds."""
    return Cost(median(cost.wall for cost in costs), median(cost.cpu for cost in costs))


def run_python(arguments: Sequence[str], environment: Mapping[str, str], *, log: bool = False) -> Finished:
    """Run ``python <arguments>`` from the repository and wait for it.

    With ``log`` its stderr goes to that of this process as it comes.

    Raises
    ------
    RuntimeError
        It failed; the message ends with what it wrote.
    """
    before, wall = _children_cpu(), time.perf_counter()
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=REPOSITORY,
        env=dict(environment),
        text=True,
        stdout=subprocess.PIPE,
        stderr=None if log else subprocess.PIPE,
        check=False,
    )
    cost = Cost(time.perf_counter() - wall, _children_cpu() - before)
    if done.returncode:
        raise RuntimeError(
            f"a child process ended with {done.returncode}:\n{(done.stdout + (done.stderr or ''))[-3000:]}"
        )
    return Finished(cost, done.stdout)


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def peak_memory_mb() -> float:
    """Most memory this process has held, in MB (10^6 bytes).

    Linux keeps ``ru_maxrss`` of the parent across fork and exec; VmHWM is this program's own.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def percentiles_ms(seconds: Sequence[float]) -> dict[str, float]:
    """Median and 99th percentile in milliseconds."""
    low, high = np.percentile(np.asarray(seconds) * 1000, (50, 99))
    return {"p50_ms": float(low), "p99_ms": float(high)}


def pin_to_one_core() -> None:
    """Keep this process and its children on one core, where the system allows it."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
