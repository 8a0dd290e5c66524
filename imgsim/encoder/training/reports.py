"""What training tells: a line on stderr, and an MLflow run that a resumed training goes on with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from imgsim import tracking
from imgsim.atomic import atomic_path

if TYPE_CHECKING:
    from imgsim.encoder.training.distill import Report

EXPERIMENT = "imgsim-encoder"


def show(values: Mapping[str, float]) -> None:
    """One line: samples, pace, time left, losses."""
    losses = "  ".join(
        f"{name} {value:.3f}" for name, value in values.items() if not name.startswith(("samples", "seconds"))
    )
    left = timedelta(seconds=round(values["seconds_left"]))
    typer.echo(f"{int(values['samples']):>12,}  {values['samples_per_second']:,.0f}/s  {left} left  {losses}", err=True)


@contextmanager
def reporter(work: Path, params: Mapping[str, Any], to_mlflow: bool) -> Iterator[Report]:
    """Yield a function that shows numbers and, with ``to_mlflow``, logs them; the run's id is kept in ``work``."""
    if not to_mlflow:
        yield show
        return
    import mlflow

    known = work / "mlflow-run"
    tracking.create_database(tracking.default_tracking_uri())
    with tracking.connect() as connection:
        experiment = connection.client.get_experiment_by_name(EXPERIMENT)
        experiment_id = experiment.experiment_id if experiment else connection.client.create_experiment(EXPERIMENT)
        run_id = known.read_text() if known.exists() else None
        with mlflow.start_run(run_id, experiment_id=experiment_id, run_name=None if run_id else "mini") as run:
            if run_id is None:
                mlflow.log_params(dict(params))
                with atomic_path(known) as temporary:
                    temporary.write_text(run.info.run_id)

            def report(values: dict[str, float]) -> None:
                show(values)
                connection.client.log_batch(run.info.run_id, metrics=_metrics(values))

            yield report


def _metrics(values: Mapping[str, float]) -> list[Any]:
    import time

    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    return [Metric(name, value, now, int(values["samples"])) for name, value in values.items() if name != "samples"]
