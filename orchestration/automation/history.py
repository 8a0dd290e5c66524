"""Dagster's records of the runs of a collection."""

from collections.abc import Iterator

import dagster as dg
from dagster._core.storage.dagster_run import NOT_FINISHED_STATUSES, RunRecord
from dagster._core.storage.tags import PARTITION_NAME_TAG, RUN_KEY_TAG

DIGEST_TAG = "imgsim/content"
"""Tag of a run: digest of the folder's content when its images were listed."""

PAGE = 20
"""Runs that are read at a time."""


class History:
    """Runs of all collections, as Dagster knows them."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance = instance
        running = instance.get_runs(dg.RunsFilter(statuses=list(NOT_FINISHED_STATUSES)))
        self.busy = {run.tags[PARTITION_NAME_TAG] for run in running if PARTITION_NAME_TAG in run.tags}
        """Collections with a run that is queued or under way."""

    def published(self, collection: str) -> str | None:
        """Return the digest of the content that the last successful registration read; None if that is not known.

        Runs of any job count, such as one that a person started on the page Lineage. One that did not list the images
        itself registered what earlier runs had left, which no tag tells.
        """
        done = dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS], tags={PARTITION_NAME_TAG: collection})
        for run in self._runs(done):
            if _executes(run, "registered_model"):
                return run.tags.get(DIGEST_TAG) if _executes(run, "images") else None
        return None

    def _runs(self, wanted: dg.RunsFilter) -> Iterator[dg.DagsterRun]:
        """Yield runs, newest first, a page at a time."""
        cursor = None
        while page := self._instance.get_runs(wanted, cursor, PAGE):
            yield from page
            cursor = page[-1].run_id

    def of_key(self, run_key: str) -> RunRecord | None:
        """Return the newest run that was started with this run key."""
        records = self._instance.get_run_records(dg.RunsFilter(tags={RUN_KEY_TAG: run_key}), limit=1)
        return records[0] if records else None


def _executes(run: dg.DagsterRun, asset: str) -> bool:
    """Tell if the asset is among those that the run was started for."""
    return (run.asset_selection is None or dg.AssetKey(asset) in run.asset_selection) and (
        run.step_keys_to_execute is None or asset in run.step_keys_to_execute
    )
