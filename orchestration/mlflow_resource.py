"""MLflow resource: one MLflow run per Dagster run, resumed by each stage."""

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import PrivateAttr

from imgsim.io.csv import csv_text
from imgsim.mlflow.connection import (
    EXPERIMENT,
    connect,
    create_database,
    default_tracking_uri,
    experiment_id,
    page,
    shown,
)
from orchestration.silence_tools import hush_warnings, quiet

if TYPE_CHECKING:
    import pandas as pd
    from mlflow import MlflowClient

RUN_TAG = "dagster.run_id"
_DESCRIPTION = "mlflow.note.content"


@dataclass
class StageLog:
    """Log of one stage in MLflow; ``metadata`` is for Dagster to show."""

    run_id: str
    experiment: str
    link: str
    client: "MlflowClient"
    metadata: dict[str, Any] = field(default_factory=dict)

    def params(self, **values: Any) -> None:
        """Log parameters of the run."""
        from mlflow.entities import Param

        self.client.log_batch(self.run_id, params=[Param(key, str(value)) for key, value in values.items()])

    def metrics(self, values: Mapping[str, float]) -> None:
        """Log numbers of the run."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        self.client.log_batch(self.run_id, metrics=[Metric(key, float(v), now, 0) for key, v in values.items()])

    def picture(self, path: Path) -> None:
        """Log a picture of the run."""
        self.client.log_artifact(self.run_id, str(path), "pictures")

    def page(self, html: str, artifact: str, file: Path) -> dg.MetadataValue[Any]:
        """Log an HTML page and return a link to it: in MLflow, or to ``file`` if MLflow has no address."""
        self.client.log_text(self.run_id, html, artifact)
        if self.link.startswith("http"):
            return dg.MetadataValue.url(f"{self.link}/artifacts/{artifact}")
        return dg.MetadataValue.path(str(file))

    def folder(self, folder: Path) -> None:
        """Log all files of a folder at once."""
        self.client.log_artifacts(self.run_id, str(folder))

    def table(self, table: "pd.DataFrame", path: str) -> None:
        """Log a table, as CSV."""
        self.client.log_text(self.run_id, csv_text(table), path)

    def dataset(self, name: str, source: str, digest: str, profile: Mapping[str, Any]) -> None:
        """Log name, source and digest of the data used."""
        from mlflow.entities import Dataset, DatasetInput, InputTag

        origin = json.dumps({"collection": name, "source": presentable(source)})
        data = Dataset(name, digest[:36], "imgsim", origin, profile=json.dumps(profile))
        self.client.log_inputs(self.run_id, [DatasetInput(data, [InputTag("mlflow.data.context", "reference")])])

    def tag(self, name: str, value: str) -> None:
        """Set a tag of the run."""
        self.client.set_tag(self.run_id, name, value)

    def describe(self, text: str) -> None:
        """Set the run's description, in Markdown; its pages can link and show artifacts (`artifact_page`)."""
        self.tag(_DESCRIPTION, text)

    def artifact_page(self, path: str) -> str:
        """Return the address of an artifact, below whatever address MLflow's pages have."""
        return f"#/experiments/{self.experiment}/runs/{self.run_id}/artifacts/{path}"

    def artifact_file(self, path: str) -> str:
        """Return the address of an artifact's content, below whatever address MLflow's pages have."""
        return f"get-artifact?path={path}&run_uuid={self.run_id}"


class MlflowResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """MLflow's tracking server and registry.

    An empty ``tracking_uri`` means ``$MLFLOW_TRACKING_URI``, else sqlite in the working store with artifacts in
    ``mlartifacts`` beside it. ``ui_url`` is the address of the same runs for a browser.
    """

    tracking_uri: str = ""
    experiment: str = EXPERIMENT
    ui_url: str = ""
    _runs: dict[str, str] = PrivateAttr(default_factory=dict)

    @property
    def uri(self) -> str:
        """Tracking URI in use."""
        return self.tracking_uri or default_tracking_uri()

    @contextmanager
    def stage(self, context: dg.AssetExecutionContext, name: str) -> Iterator[StageLog]:
        """Resume the MLflow run of this Dagster run and time a stage of it.

        Logged are ``seconds.<name>``, ``cpu_seconds.<name>`` and ``peak_memory_mb.<name>``, and MLflow's system metrics
        during the stage. An exception marks the run as failed, and its reason becomes the run's description.
        """
        quiet()
        hush_warnings()
        import mlflow

        create_database(self.uri)
        with connect(self.uri) as connection:
            client = connection.client
            run_id = self._run(client, context)
            with mlflow.start_run(run_id=run_id, log_system_metrics=True) as run:
                experiment = run.info.experiment_id
                log = StageLog(run_id, experiment, self._link(experiment, run_id), client)
                wall, cpu = time.perf_counter(), time.process_time()
                with _failure_described(log, name):
                    yield log
                times = {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}
                log.metrics({f"{key}.{name}": value for key, value in times.items()})
                log.metrics({f"peak_memory_mb.{name}": _peak_memory_mb()})
                log.metadata |= {**times, "mlflow_run": _link_metadata(log.link)}

    def stopped(self, log: StageLog, checks: str, problems: str) -> None:
        """Mark the run as failed when blocking ``checks`` (their names) failed after its stage had ended."""
        if checks:
            log.describe(f"**Stopped by the check {checks}.** {problems}")
            log.tag("imgsim.failed_checks", checks)
            log.client.set_terminated(log.run_id, "FAILED")

    def _run(self, client: "MlflowClient", context: dg.AssetExecutionContext) -> str:
        """Return the MLflow run with this Dagster run's tag; create it if there is none."""
        dagster_run = context.run.run_id
        if dagster_run not in self._runs:
            experiment = experiment_id(client, self.experiment, self.uri)
            found = client.search_runs([experiment], f"tags.`{RUN_TAG}` = '{dagster_run}'", max_results=1)
            self._end_dead(client, experiment, context)
            self._runs[dagster_run] = found[0].info.run_id if found else self._create(client, experiment, context)
        return self._runs[dagster_run]

    def _end_dead(self, client: "MlflowClient", experiment: str, context: dg.AssetExecutionContext) -> None:
        """Mark MLflow runs of this collection as killed that are open although their Dagster runs have ended."""
        running = f"attributes.status = 'RUNNING' and tags.`imgsim.collection` = '{context.partition_key}'"
        for left in client.search_runs([experiment], running):
            run = context.instance.get_run_by_id(left.data.tags.get(RUN_TAG, ""))
            if run is not None and run.is_finished:
                client.set_terminated(left.info.run_id, "KILLED")

    def _create(self, client: "MlflowClient", experiment: str, context: dg.AssetExecutionContext) -> str:
        collection = context.partition_key
        tags = {
            RUN_TAG: context.run.run_id,
            "imgsim.collection": collection,
            "mlflow.user": "imgsim",
            "mlflow.source.name": "imgsim",
            "mlflow.source.type": "JOB",
        }
        name = f"{collection}-{context.run.run_id[:8]}"
        return str(client.create_run(experiment, tags=tags, run_name=name).info.run_id)

    def _link(self, experiment: str, run_id: str) -> str:
        return page(experiment, run_id, base=self.ui_url or self.uri) or f"run {run_id} in MLflow"


@contextmanager
def _failure_described(log: StageLog, stage: str) -> Iterator[None]:
    """Describe the run by the reason why a stage failed; a server that cannot note it does not hide the reason."""
    try:
        yield
    except BaseException as error:
        with suppress(Exception):
            reason = " ".join(str(error).split()) or type(error).__name__
            log.describe(f"**{stage} failed:** {presentable(reason)}")
        raise


def presentable(text: str) -> str:
    """Write a text for the records of a team: without passwords, and with ``~`` for the user's own folder."""
    with suppress(RuntimeError):  # a user without a folder
        text = text.replace(f"{Path.home()}{os.sep}", f"~{os.sep}")
    return shown(text)


def _link_metadata(link: str) -> dg.MetadataValue[Any]:
    return dg.MetadataValue.url(link) if link.startswith("http") else dg.MetadataValue.text(link)


def _peak_memory_mb() -> float:
    if sys.platform == "win32":
        import psutil

        return float(psutil.Process().memory_info().peak_wset) / 2**20
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
