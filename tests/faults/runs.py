"""Runs in a home of their own, forked from one prepared process."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import sqlite3
import uuid
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.faults.order import Order, run

COLLECTION = "tiny"
SECONDS = 900.0
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.faults.preload"])


class Run:
    """One run of the pipeline, in a process of its own."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self.process = _context.Process(target=run, args=(order,), daemon=True)
        self.process.start()

    def wait(self, seconds: float = SECONDS) -> Run:
        """Return once it has ended.

        Raises
        ------
        TimeoutError
            It still runs after so many seconds; it is killed.
        """
        self.process.join(seconds)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join()
            raise TimeoutError(f"the run did not end within {seconds:.0f} s:\n{self.output[-3000:]}")
        return self

    @property
    def code(self) -> int | None:
        """Exit code; -9 when killed."""
        return self.process.exitcode

    @property
    def output(self) -> str:
        """What a person would have seen."""
        return self._order.log.read_text(errors="replace") if self._order.log.exists() else ""

    @property
    def error(self) -> str:
        """The message it ended with."""
        lines = self.output.splitlines()
        first = next((i for i, line in enumerate(lines) if line.startswith("error: ")), None)
        return "" if first is None else "\n".join(lines[first:])

    @property
    def events(self) -> list[dict[str, Any]]:
        """What the probe told."""
        if not self._order.events.exists():
            return []
        return [json.loads(line) for line in self._order.events.read_text().splitlines()]

    @property
    def interrupted(self) -> str:
        """The stage that was under way when it died; empty when none was."""
        last = self.events[-1] if self.events else {}
        return str(last.get("start", ""))

    @property
    def facts(self) -> dict[str, dict[str, Any]]:
        """Asset to the numbers of its metadata."""
        return {name: facts for event in self.events for name, facts in event.get("facts", {}).items()}

    @property
    def cpu(self) -> float:
        """CPU seconds until the last thing it told."""
        return float(self.events[-1]["cpu"]) if self.events else 0.0

    @cached_property
    def stages(self) -> dict[str, tuple[float, int]]:
        """Stage to its seconds and its number of operations on files."""
        starts = {event["start"]: event["at"] for event in self.events if "start" in event}
        ends = [event for event in self.events if "end" in event]
        return {event["end"]: (event["at"] - starts[event["end"]], event["operations"]) for event in ends}


class Home:
    """A working store and the runs in it."""

    def __init__(self, root: Path, images: Path, work: Path) -> None:
        self.root, self.images, self._work = root, images, work
        self.database = root / "mlflow.db"
        self._work.mkdir(parents=True, exist_ok=True)

    @property
    def environment(self) -> dict[str, str]:
        """Where a run finds everything: below the root."""
        uri = f"sqlite:///{self.database}"
        dagster = str(self.root / "dagster")
        return {"IMGSIM_HOME": str(self.root), "MLFLOW_TRACKING_URI": uri, "DAGSTER_HOME": dagster}

    def start(self, fault: dict[str, Any] | None = None, **changes: Any) -> Run:
        """Start the pipeline on the images; ``changes`` are those of the order."""
        name = uuid.uuid4().hex[:8]
        arguments = [str(self.images), "--collection", COLLECTION, "--backbone", "mini"]
        environment = self.environment | changes.pop("environment", {})
        log, events = self._work / f"{name}.log", self._work / f"{name}.events"
        return Run(Order(arguments, log, events, environment, fault or {}, **changes))

    def run(self, fault: dict[str, Any] | None = None, **changes: Any) -> Run:
        """`start` and wait."""
        return self.start(fault, **changes).wait()

    def copy(self, root: Path) -> Home:
        """The same content elsewhere."""
        shutil.copytree(self.root, root, dirs_exist_ok=True)
        with closing(sqlite3.connect(root / "mlflow.db")) as connection, connection:
            moved = "update experiments set artifact_location = replace(artifact_location, ?, ?)"
            connection.execute(moved, (str(self.root), str(root)))
        return Home(root, self.images, self._work)


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0))
