"""Connection to a tracking server of MLflow: one way for the whole library to reach it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from imgsim.distribution import install_command
from imgsim.errors import MissingExtraError, RegistryError
from imgsim.io.home import home

if TYPE_CHECKING:
    from mlflow import MlflowClient

_SQLITE = "sqlite:///"
_SECONDS = 10.0
_PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3", "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1"}
_DISK = ("disk is full", "disk I/O error", "readonly database", "unable to open database", "No space left")
_ARTIFACTS = "/mlflow-artifacts/"
_NO_DATABASE = "too many 503 error responses"
_MISSING = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE", "NOT_FOUND")


@dataclass(frozen=True)
class Connection:
    """A client, and the two addresses it uses (most often the same one)."""

    client: MlflowClient
    tracking_uri: str
    registry_uri: str


def default_tracking_uri() -> str:
    """Return ``$MLFLOW_TRACKING_URI``, else ``mlflow.db`` in `imgsim.io.home.home`."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"{_SQLITE}{home() / 'mlflow.db'}"


def exists(tracking_uri: str | None = None) -> bool:
    """Tell if there is something to connect to: false for a sqlite file that is not there (yet)."""
    uri = tracking_uri or default_tracking_uri()
    return not uri.startswith(_SQLITE) or Path(uri.removeprefix(_SQLITE)).exists()


def create_database(uri: str) -> None:
    """Let MLflow make its tables where a sqlite file is not there yet."""
    if not exists(uri):
        from mlflow import MlflowClient

        Path(uri.removeprefix(_SQLITE)).parent.mkdir(parents=True, exist_ok=True)
        MlflowClient(uri).search_experiments(max_results=1)


def experiment_id(client: MlflowClient, name: str, uri: str) -> str:
    """Find or make the experiment called ``name``; beside a sqlite file its artifacts lie in the home."""
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is None:
        location = (home() / "mlartifacts").as_uri() if uri.startswith("sqlite") else None
        try:
            return str(client.create_experiment(name, artifact_location=location))
        except MlflowException:  # another process was faster
            found = client.get_experiment_by_name(name)
            if found is None:
                raise
    return str(found.experiment_id)


def shown(uri: str) -> str:
    """Hide the password that an address may hold."""
    return re.sub(r"://[^/@]+@", "://***@", uri)


@contextmanager
def connect(tracking_uri: str | None = None) -> Iterator[Connection]:
    """Yield a connection to a server that answers; what MLflow raises inside becomes a `RegistryError`.

    Inside the block MLflow's own functions (``mlflow.log_metric``, ...) use the same server. One that answers with
    errors is given up after 10 seconds instead of MLflow's 4 minutes, unless the environment says how often to try;
    from here on it does, for the whole process, since MLflow reads it nowhere else.

    Parameters
    ----------
    tracking_uri : str, optional
        Default: `default_tracking_uri`. The registry is the same server, or ``$MLFLOW_REGISTRY_URI``.

    Raises
    ------
    RegistryError
        It does not answer, has no database, or refuses what was asked.
    MissingExtraError
        MLflow is not installed.
    """
    try:
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
    except ImportError as error:
        raise MissingExtraError(f"The registry needs MLflow: {install_command('pipeline')}.") from error

    uri = tracking_uri or default_tracking_uri()
    registry_uri = os.environ.get("MLFLOW_REGISTRY_URI") or uri
    _check_reachable(uri)
    for name, value in _PATIENCE.items():
        os.environ.setdefault(name, value)
    try:
        with _used_by_mlflow(uri):
            yield Connection(MlflowClient(uri, registry_uri=registry_uri), uri, registry_uri)
    except MlflowException as error:
        reason = error.message.rstrip(". ")
        raise RegistryError(f"MLflow at {shown(uri)} refused: {reason}. {_remedy(error.error_code, reason)}") from error


def _remedy(error_code: str, reason: str) -> str:
    if any(words in reason for words in _DISK):
        return "Free space there, or set IMGSIM_HOME to a disk that can be written."
    if error_code in _MISSING:
        return "Run the pipeline for this collection first, or check collection, version and run id."
    if _NO_DATABASE in reason:
        return "Most likely its database does not answer it: start that, or read the server's own log."
    if _ARTIFACTS in reason:  # an answer, or a connection that it closed while a file was on its way
        return "It cannot use its artifact store: see that its bucket is there and its keys may write to it."
    return "Check MLFLOW_TRACKING_URI and the server's own log."


def _check_reachable(uri: str) -> None:
    """Ask once, with a short limit; MLflow's own client would retry a dead server for minutes."""
    from urllib.error import HTTPError, URLError
    from urllib.request import urlopen

    if not exists(uri):
        raise RegistryError(
            f"There is no MLflow database at {shown(uri)}; run the pipeline once to create it, "
            "or set MLFLOW_TRACKING_URI."
        )
    if not uri.startswith(("http://", "https://")):
        return
    try:
        with urlopen(f"{uri.rstrip('/')}/health", timeout=_SECONDS):
            pass
    except HTTPError as error:  # it answers, if only to ask who we are
        error.close()
    except (URLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise RegistryError(
            f"The MLflow server {shown(uri)} does not answer ({reason}); start it (`imgsim ui`), "
            "or set MLFLOW_TRACKING_URI."
        ) from error


@contextmanager
def _used_by_mlflow(uri: str) -> Iterator[None]:
    """Make ``uri`` what MLflow's functions use, and put back what was there, the environment included.

    Needed even for a client of its own: MLflow's sqlite registry looks logged models up at the global address.
    """
    import mlflow
    from mlflow.tracking._tracking_service.utils import _use_tracking_uri

    if mlflow.get_tracking_uri() == uri:
        yield
        return
    before = os.environ.get("MLFLOW_TRACKING_URI")
    try:
        with _use_tracking_uri(uri):
            yield
    finally:
        if before is not None:
            os.environ["MLFLOW_TRACKING_URI"] = before
