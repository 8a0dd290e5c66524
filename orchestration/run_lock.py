"""One run of a collection at a time, and none that is dead: for ``imgsim run``, whose runs no daemon watches.

A run notes its id in the file ``turns/<collection>`` of Dagster's folder and holds a lock beside it. The system lets
the lock go when the process ends, however it ends; whoever takes it next sees whether the run before was killed.
Without this Dagster would believe a killed run to be under way, and its queue would keep the collection waiting
forever.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import dagster as dg
from filelock import FileLock, Timeout

KILLED = "its process was killed; what was finished is kept, run it again."


@contextmanager
def turn(instance: dg.DagsterInstance, collection: str, run_id: str, waiting: Callable[[], None]) -> Iterator[None]:
    """Wait until no other process runs the collection (``waiting`` is called once if one does), and keep it so."""
    path = _folder(instance) / collection
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = _lock_of(path)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        waiting()
        lock.acquire()
    try:
        _end(instance, path)
        path.write_text(run_id)
        yield
        path.write_text("")  # not after an exception: it escapes where Dagster could not even note the end
    finally:
        lock.release()


def end_dead_runs(instance: dg.DagsterInstance) -> None:
    """Mark runs as failed whose process was killed."""
    for path in _folder(instance).glob("[!.]*"):
        with suppress(Timeout), _lock_of(path).acquire(blocking=False):
            _end(instance, path)


def _lock_of(path: Path) -> FileLock:
    return FileLock(path.with_name(f".{path.name}.lock"))


def _end(instance: dg.DagsterInstance, path: Path) -> None:
    """Mark the run as failed that held the lock before, unless it has ended."""
    run = instance.get_run_by_id(path.read_text()) if path.exists() else None
    if run is not None and not run.is_finished:
        instance.report_run_failed(run, KILLED)
    path.write_text("")


def _folder(instance: dg.DagsterInstance) -> Path:
    return Path(instance.root_directory) / "turns"
