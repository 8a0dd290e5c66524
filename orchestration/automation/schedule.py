"""Job of the whole pipeline, and its nightly schedule."""

from collections.abc import Iterator

import dagster as dg

from orchestration.partitions import collections

pipeline = dg.define_asset_job(
    "pipeline", selection=dg.AssetSelection.all(), description="From a folder of images to a registered model."
)


@dg.schedule(job=pipeline, cron_schedule="0 3 * * *", default_status=dg.DefaultScheduleStatus.STOPPED)
def nightly(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Run every collection once a night; unchanged results are reused."""
    names = context.instance.get_dynamic_partitions(str(collections.name))
    if not names:
        yield dg.SkipReason("there are no collections yet")
    for name in names:
        night = context.scheduled_execution_time.date().isoformat()
        yield dg.RunRequest(run_key=f"{name}-{night}", partition_key=name)
