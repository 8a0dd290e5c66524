"""Lock of a collection for ``imgsim run``: one run at a time, and killed runs are marked as failed.

No Dagster daemon watches these runs. So a run writes its id to the file ``turns/<collection>`` of Dagster's folder and
holds a lock beside it. The operating system releases the lock when the process ends, even if it is killed; the next
run that takes the lock reads the id and marks that run as failed if it has not ended. Otherwise Dagster would count
the killed run as running, and queue further runs of the collection forever.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import dagster as dg
from filelock import FileLock, Timeout

KILLED = "its process was killed; what was finished is kept, run it again."


@contextmanager
def collection_lock(
    instance: dg.DagsterInstance, collection: str, run_id: str, waiting: Callable[[], None]
) -> Iterator[None]:
    """Hold the lock of the collection; call ``waiting`` once if another process has it."""
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
        path.write_text("")  # kept after an exception: Dagster may not have recorded the end of the run
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
    """Mark the run that held the lock before as failed, unless it has ended."""
    run = instance.get_run_by_id(path.read_text()) if path.exists() else None
    if run is not None and not run.is_finished:
        instance.report_run_failed(run, KILLED)
    path.write_text("")


def _folder(instance: dg.DagsterInstance) -> Path:
    return Path(instance.root_directory) / "turns"
