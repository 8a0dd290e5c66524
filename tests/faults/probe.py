"""Inside the run that is hurt: says which stage it is in, and hurts it there."""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any, ClassVar

import dagster as dg

from orchestration.commands.pipeline_run import Progress

CHANGES = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "sqlite3.connect"}


class _State:
    events = Path()
    fault: ClassVar[dict[str, Any]] = {}
    operations = 0
    last = sys.maxsize


def begin(events: Path, fault: dict[str, Any]) -> None:
    """Count operations on files from now on, and die before the one that `strike` has chosen.

    A fault without a stage strikes at once.
    """
    _State.events, _State.fault = events, fault
    sys.addaudithook(_seen)
    if fault and "stage" not in fault:
        strike(fault)


def _seen(event: str, _arguments: Any) -> None:
    if event in CHANGES:
        _State.operations += 1
        if _State.operations > _State.last:
            os.kill(os.getpid(), signal.SIGKILL)


class Probe(Progress):
    """What the command prints, and in the file of events a line of JSON for each start and end of a stage."""

    def __call__(self, entry: dg.EventLogEntry, cursor: str = "") -> None:
        super().__call__(entry, cursor)
        event = entry.dagster_event
        if event is None or event.step_key is None:
            return
        if event.event_type is dg.DagsterEventType.STEP_START:
            _State.operations = 0
            _tell(start=event.step_key)
            if _State.fault.get("stage") == event.step_key:
                strike(_State.fault)
        elif event.event_type is dg.DagsterEventType.STEP_SUCCESS:
            facts = {name: _plain(self.facts[name]) for name in self.steps.get(event.step_key, [])}
            _tell(end=event.step_key, operations=_State.operations, facts=facts)
        elif event.event_type in (dg.DagsterEventType.STEP_UP_FOR_RETRY, dg.DagsterEventType.STEP_FAILURE):
            _tell(failed=event.step_key)


def _tell(**line: Any) -> None:
    with _State.events.open("a") as file:
        file.write(json.dumps(line | {"at": time.perf_counter(), "cpu": time.process_time()}) + "\n")


def _plain(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if isinstance(value, (bool, int, float))}


def strike(fault: dict[str, Any]) -> None:
    """Do what the fault says: it has one of these keys."""
    if "delay" in fault:  # die after so many seconds
        timer = threading.Timer(fault["delay"], os.kill, (os.getpid(), signal.SIGKILL))
        timer.daemon = True
        timer.start()
    if "operation" in fault:  # die before this operation on files
        _State.last = fault["operation"]
    if "fill" in fault:  # leave so many bytes free on the disk of that folder
        fill(Path(fault["fill"]), fault["leave"])
    if "file_size" in fault:  # no file may grow beyond
        resource.setrlimit(resource.RLIMIT_FSIZE, (fault["file_size"], fault["file_size"]))
    if "memory" in fault:  # no more than so many bytes on top of what is used
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + fault["memory"], resource.RLIM_INFINITY))
    if "clock" in fault:  # the time of day jumps by so many seconds
        _jump(fault["clock"])
    if "signal" in fault:  # tell another process, such as a server
        os.kill(fault["signal"], signal.SIGKILL)
    if "write" in fault:  # a note to whoever watches
        Path(fault["write"]).write_text("now")


def fill(folder: Path, leave: int) -> None:
    """Leave that many bytes free on the disk of ``folder``."""
    free = os.statvfs(folder)
    with (folder / "ballast").open("ab") as file:
        file.write(b"\0" * max(0, free.f_bavail * free.f_frsize - leave))


def _jump(seconds: float) -> None:
    real, real_ns = time.time, time.time_ns
    time.time = lambda: real() + seconds
    time.time_ns = lambda: real_ns() + int(seconds * 1e9)
