"""Retries of failed steps, and messages for failures that a retry cannot cure, such as a wrong argument."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import dagster as dg
from sqlalchemy.exc import SQLAlchemyError

from imgsim.errors import DecisionsError, ImgsimError, RegistryError, SourceError, StoreError
from imgsim.io.home import home

RETRIES = 2
DELAY_SECONDS = 2
DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM)
KEPT = "What is finished is kept: the same run goes on from there."


class RunError(ImgsimError):
    """A run of the pipeline failed; the message says which stage, why, and what to do."""


@contextmanager
def retry_or_fail(attempt: int = 0, source: str = "") -> Iterator[None]:
    """Turn an exception into a request to run the step again, or into a failure if that cannot cure it.

    Retried are errors of the stores, the registry and a ``source`` that is a URL, and all that imgsim does not expect.
    An interrupt (Ctrl-C, a run terminated in Dagster) is neither: the run ends. A `dagster.RetryPolicy` on the asset
    would retry it.

    Parameters
    ----------
    attempt : int
        Number of earlier attempts: the delay doubles with each.
    source : str
        Path or URL that the step reads.
    """
    try:
        yield
    except Exception as error:
        told = _incurable(error, source)
        if told is not None:
            raise dg.Failure(description=told, allow_retries=False) from error
        raise dg.RetryRequested(RETRIES, DELAY_SECONDS * 2**attempt) from error


def _incurable(error: Exception, source: str) -> str | None:
    """Return the message for an error that a retry cannot cure, None for one that it may."""
    if isinstance(error, (StoreError, DecisionsError, RegistryError)):
        return None
    if isinstance(error, ImgsimError):
        return None if isinstance(error, SourceError) and "://" in source else str(error)
    if isinstance(error, MemoryError):
        return no_memory(error)
    if isinstance(error, OSError) and error.errno in (*DISK, errno.ENOMEM):
        return no_memory(error) if error.errno == errno.ENOMEM else cannot_write(error)
    return None


def cannot_write(error: Exception) -> str:
    """Explain a full or read-only disk, and what to do about it."""
    where = getattr(error, "filename2", None) or getattr(error, "filename", None) or home()
    reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
    return f"cannot write {where}: {reason}. Free space there, or set IMGSIM_HOME to another disk. {KEPT}"


def record_errors() -> tuple[type[Exception], ...]:
    """Return the exceptions that Dagster raises when its database (sqlite or PostgreSQL) fails."""
    with suppress(ImportError):
        from dagster_postgres.utils import DagsterPostgresException

        return OSError, SQLAlchemyError, DagsterPostgresException
    return OSError, SQLAlchemyError


def no_records(error: Exception) -> str:
    """Explain that Dagster could not keep its records, and what to do about it."""
    cause = error.__cause__ if isinstance(error.__cause__, SQLAlchemyError) else error
    answer = getattr(cause, "orig", None)
    if not type(answer).__module__.startswith("psycopg"):
        return cannot_write(error)
    reason = str(answer).splitlines()[0].strip().rstrip(".")
    settings = Path(os.environ["DAGSTER_HOME"]) / "dagster.yaml"
    return (
        f"Dagster's database failed: {reason}. Start PostgreSQL, or check PGHOST, PGPORT, PGUSER and PGPASSWORD and "
        f"the database that {settings} names. {KEPT}"
    )


def no_memory(error: Exception) -> str:
    """Explain that memory ran out, and what to do about it."""
    reason = f" ({error})" if str(error) else ""
    return f"there is not enough memory{reason}. Close other programs, or raise this process's limit. {KEPT}"
