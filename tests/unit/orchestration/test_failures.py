"""Errors that a retry may cure are retried, others fail at once, and an interrupt is neither."""

import errno

import dagster as dg
import pytest

from imgsim.errors import ArgumentError, RegistryError, SourceError, StoreError
from orchestration.failures import retry_or_fail


@pytest.mark.parametrize(
    ("error", "source"),
    [(StoreError("s"), ""), (RegistryError("r"), ""), (SourceError("u"), "s3://bucket"), (ValueError("?"), "")],
)
def test_what_a_retry_may_cure(error, source):
    with pytest.raises(dg.RetryRequested) as found, retry_or_fail(1, source):
        raise error
    assert (found.value.max_retries, found.value.seconds_to_wait) == (2, 4)
    assert found.value.__cause__ is error


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ArgumentError("a wrong name"), "a wrong name"),
        (SourceError("no such folder"), "no such folder"),
        (MemoryError(), "not enough memory"),
        (OSError(errno.ENOSPC, "No space left on device", "/full"), "cannot write /full"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "not enough memory"),
    ],
)
def test_what_it_cannot(error, told):
    with pytest.raises(dg.Failure, match=told) as found, retry_or_fail():
        raise error
    assert not found.value.allow_retries


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, dg.DagsterExecutionInterruptedError])
def test_an_interrupt_passes(interrupt):
    with pytest.raises(interrupt), retry_or_fail():
        raise interrupt
