"""Removal of Dagster's runs, with what Dagster itself would keep of them: last results, checks, logs, free pages."""

from collections.abc import Sequence
from pathlib import Path

import dagster as dg
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, AssetKeyTable
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager

from imgsim.mlflow.sqlite_store import vacuum


def forget_runs(instance: dg.DagsterInstance, runs: Sequence[str]) -> bool:
    """Remove runs, by their ids, and every record of them.

    Returns
    -------
    bool
        False if a sqlite file was in use by another process, so that its free pages may still hold parts of them.
    """
    for run in runs:
        instance.delete_run(run)
        if isinstance(instance.compute_log_manager, LocalComputeLogManager):
            instance.compute_log_manager.delete_logs(prefix=[run])
    events = instance.event_log_storage
    if isinstance(events, SqlEventLogStorage):
        of_runs = AssetKeyTable.c.last_run_id.in_(runs)
        with events.index_connection() as records:
            # Dagster reads the newest event instead, where there is none
            records.execute(AssetKeyTable.update().where(of_runs).values(last_materialization=None))
            records.execute(AssetCheckExecutionsTable.delete().where(AssetCheckExecutionsTable.c.run_id.in_(runs)))
    return _written_anew(Path(instance.root_directory), runs)


def _written_anew(folder: Path, runs: Sequence[str]) -> bool:
    """Remove the sqlite files of runs, and vacuum the others."""
    done = True
    for path in folder.rglob("*.db"):
        if path.stem in runs:
            for file in path.parent.glob(f"{path.name}*"):
                file.unlink(missing_ok=True)
        else:
            done &= vacuum(path)
    return done
