"""Reports of a training: a line on stderr, and an MLflow run that a resumed training goes on with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from imgsim.distribution import install_command
from imgsim.errors import MissingExtraError
from imgsim.io.atomic import atomic_path
from imgsim.mlflow.connection import connect, create_database, default_tracking_uri, experiment_id

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

    from training.distill import Report

EXPERIMENT = "imgsim-encoder"


def tell(text: str) -> None:
    """Print a line for the person who waits."""
    typer.echo(text, err=True)


def show(values: Mapping[str, float]) -> None:
    """Print one line: samples, pace, time left, losses."""
    losses = "  ".join(
        f"{name} {value:.3f}" for name, value in values.items() if not name.startswith(("samples", "seconds"))
    )
    left = timedelta(seconds=round(values["seconds_left"]))
    tell(f"{int(values['samples']):>12,}  {values['samples_per_second']:,.0f}/s  {left} left  {losses}")


def check_mlflow() -> None:
    """Refuse before the teacher's work what would fail after it.

    Raises
    ------
    MissingExtraError
        MLflow is not installed.
    """
    if find_spec("mlflow") is None:
        raise MissingExtraError(f"Training logs to MLflow: {install_command('train')}, or give --no-mlflow.")


@contextmanager
def reporter(work: Path, params: Mapping[str, Any], output: Path, to_mlflow: bool, samples: int) -> Iterator[Report]:
    """Yield a function that shows numbers and, with ``to_mlflow``, logs them; ``output`` is logged at the end.

    A training that goes on, which has seen ``samples``, goes on with its run, whose id is kept in
    ``work``; what was changed since is a tag of it. A number that cannot be logged ends nothing.
    """
    if not to_mlflow:
        yield show
        return
    import mlflow
    from mlflow.exceptions import MlflowException

    create_database(default_tracking_uri())
    with connect() as connection:
        known = _known(connection.client, work / "mlflow-run") if samples else None
        run_id = known.info.run_id if known else None
        experiment = experiment_id(connection.client, EXPERIMENT, connection.tracking_uri)
        with mlflow.start_run(run_id, experiment_id=experiment, run_name=None if known else "mini") as run:
            if known is None:
                mlflow.log_params(dict(params))
                with atomic_path(work / "mlflow-run") as temporary:
                    temporary.write_text(run.info.run_id)
            else:
                changed = {name: value for name, value in params.items() if known.data.params.get(name) != str(value)}
                mlflow.set_tags({f"{name} from {samples} samples": str(value) for name, value in changed.items()})

            def report(values: dict[str, float]) -> None:
                show(values)
                try:
                    connection.client.log_batch(run.info.run_id, metrics=_metrics(values))
                except MlflowException as error:
                    tell(f"not logged, training goes on: MLflow says {error.message.splitlines()[0]}")

            yield report
            mlflow.log_artifact(str(output))


def _known(client: MlflowClient, path: Path) -> Run | None:
    """Find the run whose id ``path`` holds; None where this MLflow has none of that id."""
    from mlflow.exceptions import MlflowException

    if not path.exists():
        return None
    try:
        return client.get_run(path.read_text().strip())
    except MlflowException:
        return None


def _metrics(values: Mapping[str, float]) -> list[Any]:
    import time

    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    return [Metric(name, value, now, int(values["samples"])) for name, value in values.items() if name != "samples"]
