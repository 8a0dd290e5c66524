"""SIGKILL in the middle of each stage, then go on; the end must be what an undisturbed run leaves."""

from __future__ import annotations

import random
import signal
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tests.faults.runs import Home, Run
from tests.faults.state import check_nothing_half_written, check_same, stored


@dataclass
class Killed:
    """Kills by the stage that was under way, and what they cost."""

    stages: Counter[str] = field(default_factory=Counter)
    chains: int = 0
    recomputed: int = 0

    @property
    def kills(self) -> int:
        """How many."""
        return self.stages.total()


def kill_in_turn(home: Home, reference: Home, faults: Iterable[dict[str, object]], killed: Killed) -> None:
    """Start a run for each fault, which kills it; check what is visible; let the last run finish and compare.

    Raises
    ------
    AssertionError
        Something was half-written, computed twice, or is not the same in the end.
    """
    for fault in faults:
        before = _known(home)
        run = home.run(fault)
        assert run.code in (0, -signal.SIGKILL), run.output
        killed.recomputed += _recomputed(run, home, before)
        if run.code != 0:
            killed.stages[run.interrupted or "between stages"] += 1
            check_nothing_half_written(home, reference)
    before = _known(home)
    run = home.run()
    assert run.code == 0, run.output
    killed.recomputed += _recomputed(run, home, before)
    check_same(home, reference)
    killed.chains += 1


def _known(home: Home) -> int:
    """How many files the store knows: their features, or that they have none."""
    rows = stored(home)
    return len(rows.get("feature", {})) + len(rows["reason"])


def _recomputed(run: Run, home: Home, before: int) -> int:
    """How many files a run computed though the store knew them, as far as it got."""
    facts = run.facts.get("features")
    return 0 if facts is None else int(facts["computed"]) - (_known(home) - before)


def by_operation(stages: dict[str, tuple[float, int]], rng: random.Random) -> Iterator[dict[str, object]]:
    """For each stage, die before one of its operations on files."""
    for stage, (_, operations) in stages.items():
        yield {"stage": stage, "operation": rng.randrange(operations)}


def by_time(stages: dict[str, tuple[float, int]], rng: random.Random) -> Iterator[dict[str, object]]:
    """For each stage, die at some moment of it."""
    for stage, (seconds, _) in stages.items():
        yield {"stage": stage, "delay": rng.random() * seconds}
