"""Retries of failed steps, and messages for failures that a retry cannot cure, such as a wrong argument."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import dagster as dg
from sqlalchemy.exc import SQLAlchemyError

from imgsim.errors import ImgsimError, RegistryError, SourceError, StoreError
from imgsim.io.home import home

RETRY = dg.RetryPolicy(max_retries=2, delay=2, backoff=dg.Backoff.EXPONENTIAL)
DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM)
KEPT = "What is finished is kept: the same run goes on from there."


class RunError(ImgsimError):
    """A run of the pipeline failed; the message says which stage, why, and what to do."""


@contextmanager
def fail_at_once(source: str = "") -> Iterator[None]:
    """Turn errors that a retry cannot cure into a failure without retries.

    Retried are errors of the store, the registry and a ``source`` that is a URL, and all that imgsim does not expect.
    """
    try:
        yield
    except (StoreError, RegistryError):
        raise
    except ImgsimError as error:
        if isinstance(error, SourceError) and "://" in source:
            raise
        raise dg.Failure(description=str(error), allow_retries=False) from error
    except MemoryError as error:
        raise dg.Failure(description=no_memory(error), allow_retries=False) from error
    except OSError as error:
        if error.errno not in (*DISK, errno.ENOMEM):
            raise
        told = no_memory(error) if error.errno == errno.ENOMEM else cannot_write(error)
        raise dg.Failure(description=told, allow_retries=False) from error


def cannot_write(error: Exception) -> str:
    """Explain a full or read-only disk, and what to do about it."""
    where = getattr(error, "filename", None) or home()
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
