"""How much memory something takes beside what its process holds already."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.benchmarks.measure import peak_memory_mb


def forget_peak() -> None:
    """Let the peak of this process begin anew where the system can (Linux): a whole test run has seen a high one."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


@contextmanager
def bounded_memory(megabytes: float) -> Iterator[None]:
    """Fail when the peak of the process grows by more."""
    forget_peak()
    before = peak_memory_mb()
    yield
    assert peak_memory_mb() - before < megabytes
