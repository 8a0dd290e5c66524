"""One run of the pipeline in this process, and its progress on the console."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
from dagster._core.instance.ref import InstanceRef

from imgsim import errors
from imgsim.cli.console import note
from imgsim.errors import ImgsimError
from orchestration.config import EvaluationConfig, FeaturesConfig, ImagesConfig, InsightsConfig
from orchestration.definitions import defs
from orchestration.instance import prepare_instance
from orchestration.partitions import collections
from orchestration.run_lock import collection_lock

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
        elif event.event_type is dg.DagsterEventType.STEP_FAILURE and not self.failure:
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


def run_config(source: str, backbone: str, weights: str, background: Sequence[str] | None = None) -> dg.RunConfig:
    """Return the configuration of a run; Dagster's own log lines are not printed."""
    labels: dict[str, Any] = {} if background is None else {"background": list(background)}
    return dg.RunConfig(
        ops={
            "images": ImagesConfig(source=source),
            "features": FeaturesConfig(backbone=backbone, weights=weights),
            "evaluation": EvaluationConfig(**labels),
            "insights": InsightsConfig(**labels),
        },
        loggers={"console": {"config": {"log_level": "CRITICAL"}}},
    )


def materialise(collection: str, config: dg.RunConfig) -> Progress:
    """Run the job ``pipeline`` for one collection in this process; the Dagster UI shows the run too."""
    ref = InstanceRef.from_dir(str(prepare_instance()), overrides=_ON_CONSOLE)
    progress = Progress()
    with dg.DagsterInstance.from_ref(ref) as instance:
        instance.add_dynamic_partitions(str(collections.name), [collection])
        run_id = str(uuid.uuid4())
        instance.add_event_listener(run_id, progress)
        job = defs().resolve_job_def("pipeline")
        with collection_lock(
            instance, collection, run_id, lambda: note("another run of this collection is under way: waiting")
        ):
            result = job.execute_in_process(
                run_config=config, instance=instance, partition_key=collection, run_id=run_id, raise_on_error=False
            )
    if not result.success and not progress.failure:
        progress.failure = "the run failed; see it in Dagster (imgsim ui)"
    return progress
