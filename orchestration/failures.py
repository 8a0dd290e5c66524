"""What is retried and what is not: a wrong argument stays wrong, a lost connection may come back."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from imgsim.errors import ImgsimError, RegistryError, SourceError, StoreError

RETRY = dg.RetryPolicy(max_retries=2, delay=2, backoff=dg.Backoff.EXPONENTIAL)


@contextmanager
def fail_at_once(source: str = "") -> Iterator[None]:
    """Turn errors that a retry cannot cure into a failure without retries.

    Retried: anything imgsim did not foresee, the store, the registry, and a ``source`` that is a URL.
    """
    try:
        yield
    except (StoreError, RegistryError):
        raise
    except ImgsimError as error:
        if isinstance(error, SourceError) and "://" in source:
            raise
        raise dg.Failure(description=str(error), allow_retries=False) from error
