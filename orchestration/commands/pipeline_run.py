"""One run of the pipeline in this process, and its progress on the console."""

import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
from dagster._core.errors import DagsterExecutionInterruptedError
from dagster._core.execution.plan.objects import ErrorSource
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.tags import PARTITION_NAME_TAG
from dagster._utils.interrupts import capture_interrupts

from imgsim import errors
from imgsim.cli.console import note
from imgsim.cli.interrupts import at_hard_end
from imgsim.errors import ImgsimError
from orchestration.config import EvaluationConfig, FeaturesConfig, ImagesConfig, InsightsConfig
from orchestration.definitions import defs
from orchestration.instance import prepare_instance
from orchestration.partitions import collections
from orchestration.resources import StorageResource
from orchestration.run_lock import collection_lock

WAITING = "another run of this collection is under way: waiting"
Facts = dict[str, dict[str, Any]]
_OURS = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, ImgsimError)}
_ON_CONSOLE = {
    "compute_logs": {"module": "dagster._core.storage.noop_compute_log_manager", "class": "NoOpComputeLogManager"}
}


@dataclass
class Progress:
    """Prints a line for each finished stage, and records the facts of each and the reason of a failure."""

    facts: Facts = field(default_factory=dict)
    steps: dict[str, list[str]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    failure: str = ""
    interrupted: bool = False

    def __call__(self, entry: dg.EventLogEntry, _cursor: str = "") -> None:
        """Process one event of the run."""
        event = entry.dagster_event
        if event is None:
            return
        if event.event_type is dg.DagsterEventType.ASSET_MATERIALIZATION:
            asset = event.step_materialization_data.materialization
            name = asset.asset_key.to_user_string()
            self.facts[name] = {key: value.value for key, value in asset.metadata.items()}
            self.steps.setdefault(str(event.step_key), []).append(name)
        elif event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            check = event.asset_check_evaluation_data
            if check.blocking and not check.passed and check.description:
                self.problems.append(check.description)
        elif event.event_type is dg.DagsterEventType.STEP_SUCCESS:
            state = "reused" if self.reused(str(event.step_key)) else "done"
            note(f"  {event.step_key:<17}{state:<7}{event.step_success_data.duration_ms / 1000:7.2f} s")
        elif event.event_type is dg.DagsterEventType.STEP_UP_FOR_RETRY:
            note(f"  {event.step_key:<17}failed; trying again")
        elif event.is_step_failure and event.step_failure_data.error_source is ErrorSource.INTERRUPT:
            self.interrupted = True
        elif event.is_step_failure and not self.failure:
            self.failure = f"{event.step_key}: {failure_reason(event, self.problems)}"

    def reused(self, step: str) -> bool:
        """Return True if all results of a step were reused."""
        assets = self.steps.get(step, [])
        return bool(assets) and all(self.facts[name].get("reused") for name in assets)


def failure_reason(event: dg.DagsterEvent, problems: Sequence[str] = ()) -> str:
    """Return the error message of a failed step, or the ``problems`` that failed checks found."""
    data = event.step_failure_data
    if data.user_failure_data is not None and data.user_failure_data.description:
        return str(data.user_failure_data.description)
    error = data.error
    if error is not None and error.cls_name == "DagsterAssetCheckFailedError":
        checks = error.message.strip().rsplit(":", 1)[-1].strip().replace(",", ", ")
        return f"{' '.join([f'stopped by the check {checks}:', *problems])} See the run in Dagster (imgsim ui)."
    while error is not None and error.cause is not None and error.cls_name not in _OURS:
        error = error.cause
    if error is None:
        return "failed"
    return error.message.strip().removeprefix(f"imgsim.errors.{error.cls_name}: ")


def run_config(
    images: ImagesConfig,
    backbone: str,
    weights: str,
    background: Sequence[str] | None = None,
    features: Mapping[str, Any] | None = None,
) -> dg.RunConfig:
    """Return the configuration of a run; Dagster's own log lines are not printed."""
    given = {name: value for name, value in (features or {}).items() if value is not None}
    no_class: dict[str, Any] = {} if background is None else {"background": list(background)}
    return dg.RunConfig(
        ops={
            "images": images,
            "features": FeaturesConfig(backbone=backbone, weights=weights, **given),
            "evaluation": EvaluationConfig(**no_class),
            "insights": InsightsConfig(**no_class),
        },
        loggers={"console": {"config": {"log_level": "CRITICAL"}}},
    )


def materialise(collection: str, config: dg.RunConfig) -> Progress:
    """Run the job ``pipeline`` for one collection in this process; the Dagster UI shows the run too.

    Raises
    ------
    KeyboardInterrupt
        Ctrl-C: Dagster shows the run as canceled.
    """
    ref = InstanceRef.from_dir(str(prepare_instance()), overrides=_ON_CONSOLE)
    progress, run_id = Progress(), str(uuid.uuid4())
    folder = StorageResource().collection_folder(collection)
    new = not folder.exists()
    with dg.DagsterInstance.from_ref(ref) as instance:
        instance.add_event_listener(run_id, lambda entry: _listen(instance, run_id, progress, entry))
        with (
            _canceled_by_interrupt(instance, run_id, progress),
            collection_lock(instance, collection, run_id, lambda: note(WAITING)),
            capture_interrupts(),  # Dagster's own code is not interrupted, only what the stages do
        ):
            result = (
                defs()
                .resolve_job_def("pipeline")
                .execute_in_process(
                    run_config=config,
                    instance=instance,
                    tags={PARTITION_NAME_TAG: collection},  # not `partition_key`: a new one is added when it has images
                    run_id=run_id,
                    raise_on_error=False,
                )
            )
        if new and not instance.has_dynamic_partition(str(collections.name), collection):
            shutil.rmtree(folder, ignore_errors=True)  # it has no images, such as a mistyped folder
    if not result.success and not progress.failure:
        progress.failure = "the run failed; see it in Dagster (imgsim ui)"
    return progress


def _listen(instance: dg.DagsterInstance, run_id: str, progress: Progress, entry: dg.EventLogEntry) -> None:
    """Report an event; after Ctrl-C tell Dagster that its end is wanted, so that the run is canceled, not failed."""
    progress(entry)
    run = instance.get_run_by_id(run_id) if progress.interrupted else None
    if run is not None and run.status is dg.DagsterRunStatus.STARTED:
        instance.report_run_canceling(run, "Stopped by Ctrl-C. What is finished is kept.")


@contextmanager
def _canceled_by_interrupt(instance: dg.DagsterInstance, run_id: str, progress: Progress) -> Iterator[None]:
    """Raise `KeyboardInterrupt` after Ctrl-C; a run that it struck outside of a stage is marked as canceled."""

    def cancel() -> None:
        run = instance.get_run_by_id(run_id)
        if run is not None and not run.is_finished:
            instance.report_run_canceled(run)

    at_hard_end.append(cancel)
    try:
        yield
    except (KeyboardInterrupt, DagsterExecutionInterruptedError):
        progress.interrupted = True
    if progress.interrupted:
        cancel()
        raise KeyboardInterrupt
