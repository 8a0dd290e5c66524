"""Connection to a tracking server of MLflow: one way for the whole library to reach it."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imgsim.distribution import install_command
from imgsim.errors import MissingExtraError, RegistryError
from imgsim.io.error_text import USER, hide_passwords
from imgsim.mlflow import sqlite_store

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "imgsim"
"""Name of the experiment that holds the pipeline's runs."""
_SECONDS = 10.0
_PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3", "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1"}
_DISK = ("disk is full", "disk I/O error", "readonly database", "unable to open database", "No space left")
_ARTIFACTS = "/mlflow-artifacts/"
_NO_DATABASE = "too many 503 error responses"
_MISSING = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE", "NOT_FOUND")
_REFUSED = ("UNAUTHENTICATED", "PERMISSION_DENIED")
_CERTIFICATE = ("CERTIFICATE_VERIFY_FAILED", "CA certificate bundle", "TLS CA")
_DRIVERS = ("psycopg", "psycopg2", "MySQLdb", "pymysql", "pyodbc", "pymssql")
_UNPARSED = "Failed to parse"


@dataclass(frozen=True)
class Connection:
    """A client, and the two addresses it uses (most often the same one)."""

    client: MlflowClient
    tracking_uri: str
    registry_uri: str


def default_tracking_uri() -> str:
    """Return ``$MLFLOW_TRACKING_URI``, else ``mlflow.db`` in `imgsim.io.home.home`."""
    return os.environ.get("MLFLOW_TRACKING_URI") or sqlite_store.sqlite_uri(sqlite_store.database())


def exists(tracking_uri: str | None = None) -> bool:
    """Tell if there is something to connect to: false for a sqlite file that is not there (yet)."""
    path = sqlite_store.sqlite_path(tracking_uri or default_tracking_uri())
    return path is None or path.exists()


def create_database(uri: str) -> None:
    """Let MLflow make its tables where a sqlite file is not there yet.

    Raises
    ------
    RegistryError
        The file cannot be made.
    """
    with _understood(uri):
        sqlite_store.create_database(uri)


def experiment_id(client: MlflowClient, name: str, uri: str) -> str:
    """Find or make the experiment called ``name``; beside a sqlite file its artifacts lie in the home."""
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is None:
        location = sqlite_store.artifacts().as_uri() if uri.startswith("sqlite") else None
        try:
            return str(client.create_experiment(name, artifact_location=location))
        except MlflowException:  # another process was faster
            found = client.get_experiment_by_name(name)
            if found is None:
                raise
    return str(found.experiment_id)


def find_experiment() -> str:
    """Return the id of the experiment that holds the pipeline's runs; it is made if there is none."""
    with connect() as connection:
        return experiment_id(connection.client, EXPERIMENT, connection.tracking_uri)


def shown(text: str) -> str:
    """Hide user and password in the addresses that a text holds."""
    return hide_passwords(text)


def page(experiment: str, run: str | None = None, *, base: str = "") -> str | None:
    """Return the address of a run in MLflow's pages, or of an experiment's list of runs, without user and password.

    Parameters
    ----------
    experiment, run : str
        Their ids.
    base : str
        Address of the pages; default: ``$IMGSIM_MLFLOW_UI``, else the tracking server.

    Returns
    -------
    str or None
        None where MLflow has no pages: a database without a server.
    """
    base = base or os.environ.get("IMGSIM_MLFLOW_UI") or default_tracking_uri()
    if not base.startswith(("http://", "https://")):
        return None
    below = f"runs/{run}" if run else "runs?workflowType=machine_learning"  # else pages for prompts and traces open
    return f"{USER.sub('://', base).rstrip('/')}/#/experiments/{experiment}/{below}"


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
    except ImportError as error:
        raise MissingExtraError(f"The registry needs MLflow: {install_command('pipeline')}.") from error

    uri = tracking_uri or default_tracking_uri()
    registry_uri = os.environ.get("MLFLOW_REGISTRY_URI") or uri
    for name, value in _PATIENCE.items():
        os.environ.setdefault(name, value)
    with _understood(uri):
        _check_reachable(uri)
        with _used_by_mlflow(uri):
            yield Connection(MlflowClient(uri, registry_uri=registry_uri), uri, registry_uri)


@contextmanager
def _understood(uri: str) -> Iterator[None]:
    """Turn what MLflow and its database raise into a `RegistryError`."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except ModuleNotFoundError as error:
        if error.name not in _DRIVERS:
            raise
        message = f"{shown(uri)} needs the package {error.name}, which is not installed: {install_command('team')}."
        raise MissingExtraError(message) from _presentable(error, uri)
    except (MlflowException, SQLAlchemyError, sqlite3.Error) as error:
        reason = getattr(error, "message", None) or str(getattr(error, "orig", None) or error)
        reason = shown(reason).rstrip(". ")
        remedy = _remedy(getattr(error, "error_code", ""), reason)
        raise RegistryError(f"MLflow at {shown(uri)} refused: {reason}. {remedy}") from _presentable(error, uri)


def _presentable(error: Exception, uri: str) -> Exception | None:
    """Return an exception to chain, or None where its text may hold the password."""
    return None if USER.search(uri) else error


def _remedy(error_code: str, reason: str) -> str:
    if any(words in reason for words in _DISK):
        return "Free space there, or set IMGSIM_HOME to a disk that can be written."
    if error_code in _REFUSED:
        return "Check the user and password in MLFLOW_TRACKING_URI (http://USER:PASSWORD@HOST)."
    if error_code in _MISSING:
        return "Run the pipeline for this collection first, or check collection, version and run id."
    if _NO_DATABASE in reason:
        return "Most likely its database does not answer it: start that, or read the server's own log."
    if _ARTIFACTS in reason:  # an answer, or a connection that it closed while a file was on its way
        return "It cannot use its artifact store: see that its bucket is there and its keys may write to it."
    return "Check MLFLOW_TRACKING_URI and the server's own log."


def _check_reachable(uri: str) -> None:
    """Ask once, with a short limit; MLflow's own client would retry a dead server or a damaged file for minutes."""
    if not exists(uri):
        raise RegistryError(
            f"There is no MLflow database at {shown(uri)}; run the pipeline once to create it, "
            "or set MLFLOW_TRACKING_URI.",
            "empty",
        )
    if re.match(r"[\w.-]+:\d+(/|$)", uri):
        raise RegistryError(f"{uri} is no address of an MLflow server: set MLFLOW_TRACKING_URI=http://{uri}.")
    path = sqlite_store.sqlite_path(uri)
    if path is not None:
        sqlite_store.follow_move(path)
    elif uri.startswith(("http://", "https://")):
        _check_answers(uri)


def _check_answers(uri: str) -> None:
    from mlflow.exceptions import MlflowException
    from mlflow.utils import credentials, rest_utils

    if os.environ.get("MLFLOW_TRACKING_INSECURE_TLS"):
        import urllib3

        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)  # it was asked for
    tools: Any = rest_utils  # both untyped
    keys: Any = credentials
    once = {"max_retries": 0, "timeout": _SECONDS, "raise_on_status": False}
    try:  # any answer will do, also one that asks who we are
        tools.http_request(keys.get_default_host_creds(uri), "/health", "GET", **once).close()
    except (MlflowException, OSError, ValueError) as error:
        reason = shown(_innermost(error))
        if _UNPARSED in reason:  # what follows may be a part of the password
            reason = "the address cannot be read; special characters of user and password are written as %2F, %40, ..."
        remedy = "start it (`imgsim ui`), or set MLFLOW_TRACKING_URI."
        if any(words in reason for words in _CERTIFICATE):
            remedy = "set MLFLOW_TRACKING_SERVER_CERT_PATH to the file of its certificate."
        message = f"The MLflow server {shown(uri)} does not answer ({reason}); {remedy}"
        raise RegistryError(message) from _presentable(error, uri)


def _innermost(error: BaseException) -> str:
    """Return the reason at the end of a chain of exceptions, without the request that each of them repeats."""
    while True:
        inner = getattr(error, "reason", None) or error.__cause__ or error.__context__
        if not isinstance(inner, BaseException):
            break
        error = inner
    return str(error).splitlines()[0] if str(error) else type(error).__name__


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
