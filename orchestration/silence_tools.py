"""Settings that stop telemetry and log messages of Dagster and MLflow on the console."""

import logging
import os
import warnings

_SETTINGS = {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL": "1",
    "MLFLOW_SYSTEM_METRICS_SAMPLES_BEFORE_LOGGING": "1",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "GIT_PYTHON_REFRESH": "quiet",
}


def quiet() -> None:
    """Set environment variables that are not set yet, for child processes too, and hide messages about retries."""
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    logging.getLogger().addFilter(_is_no_retry)


def hush_warnings() -> None:
    """Hide the deprecation warnings that MLflow's and Dagster's own code causes in their dependencies."""
    for module in ("mlflow", "dagster", "dagster_shared", "alembic", "sqlalchemy", "pydantic"):
        warnings.filterwarnings("ignore", module=rf"{module}(\.|$)")


def _is_no_retry(record: logging.LogRecord) -> bool:
    """Return False for dagster-postgres's messages about retries: the error of the last one is reported."""
    return not str(record.msg).startswith("Retrying failed database")
