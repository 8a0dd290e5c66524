"""One run of a collection at a time, and none that is dead: for ``imgsim run``, whose runs no daemon watches.

A run holds a lock, the file ``turns/<collection>`` in Dagster's folder with its id. The system lets the lock go when
the process ends, however it ends; whoever takes it next sees whether the run before was killed. Without this Dagster
would believe a killed run to be under way, and its queue would keep the collection waiting forever.
"""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import dagster as dg

KILLED = "its process was killed; what was finished is kept, run it again."


@contextmanager
def turn(instance: dg.DagsterInstance, collection: str, run_id: str, waiting: Callable[[], None]) -> Iterator[None]:
    """Wait until no other process runs the collection (``waiting`` is called once if one does), and keep it so."""
    path = _folder(instance) / collection
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(file, fcntl.LOCK_EX)
        _end(instance, file)
        file.write(run_id)
        file.flush()
        yield
        file.truncate(0)  # not after an exception: it escapes where Dagster could not even note the end


def end_dead_runs(instance: dg.DagsterInstance) -> None:
    """Mark runs as failed whose process was killed."""
    for path in _folder(instance).glob("*"):
        with path.open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            _end(instance, file)


def _end(instance: dg.DagsterInstance, file: TextIO) -> None:
    """Mark the run as failed that held the lock before, unless it has ended."""
    file.seek(0)
    run = instance.get_run_by_id(file.read())
    if run is not None and not run.is_finished:
        instance.report_run_failed(run, KILLED)
    file.truncate(0)


def _folder(instance: dg.DagsterInstance) -> Path:
    return Path(instance.root_directory) / "turns"
