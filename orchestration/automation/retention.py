"""Job and weekly schedule that remove old versions of all registered models."""

import dagster as dg

from imgsim.arguments import DEFAULT_KEEP
from imgsim.mlflow.connection import exists
from imgsim.mlflow.prune import prune
from imgsim.mlflow.registry import list_models
from orchestration.mlflow_resource import MlflowResource


class RetentionConfig(dg.Config):
    """Configuration of the job: ``keep`` newest versions stay, besides those with an alias."""

    keep: int = DEFAULT_KEEP


@dg.op
def prune_models(context: dg.OpExecutionContext, config: RetentionConfig, mlflow: MlflowResource) -> None:
    """Remove old versions of every registered model, and files that no version uses."""
    for name in list_models(mlflow.uri) if exists(mlflow.uri) else ():
        done = prune(name, config.keep, tracking_uri=mlflow.uri)
        context.log.info(
            f"{name}: removed versions {', '.join(done.removed) or 'none'} and {done.pieces:,} shared files "
            f"({done.bytes / 1e6:,.1f} MB); {', '.join(done.kept)} stay"
        )


@dg.job(description="Remove old versions of registered models; those with an alias and the newest stay.")
def retention() -> None:
    """Remove old versions of registered models."""
    prune_models()


@dg.schedule(job=retention, cron_schedule="0 5 * * 0", default_status=dg.DefaultScheduleStatus.STOPPED)
def weekly_retention(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Remove old versions once a week, on Sunday morning."""
    return dg.RunRequest(run_key=f"retention-{context.scheduled_execution_time.date().isoformat()}")
