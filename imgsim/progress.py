"""Progress on stderr: a bar with rate and time left, a spinner, a line."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

Item = TypeVar("Item")

DELAY = 1.0  # seconds of work before a bar appears
REFRESH = 0.1  # seconds between updates
REFRESH_LOG = 10.0  # the same where stderr is a file, and with it the least that is shown there


def track(iterable: Iterable[Item], description: str, total: int | None = None, enabled: bool = True) -> Iterator[Item]:
    """Yield from ``iterable``; show a bar with rate and time left once a second has passed.

    Parameters
    ----------
    iterable : iterable
        What to go through.
    description : str
        A word or two in front of the bar.
    total : int, optional
        Number of items, when the iterable has no length.
    enabled : bool
        False shows nothing.

    Yields
    ------
    item
        The items, unchanged and in order.
    """
    if not enabled:
        return iter(iterable)
    interval = REFRESH if sys.stderr.isatty() else REFRESH_LOG
    return iter(_bar()(iterable, desc=description, total=total, delay=DELAY, mininterval=interval))


def _bar() -> Any:
    """Return tqdm without its watching thread: a process with threads must not fork."""
    from tqdm import tqdm

    class Bar(tqdm):  # type: ignore[misc]
        monitor_interval = 0

    return Bar


@contextmanager
def status(message: str, enabled: bool = True) -> Iterator[None]:
    """Show ``message`` with a spinner on stderr while the block runs; nothing when not enabled or not a terminal."""
    if not enabled:
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(message):
        yield


def tell(message: str, enabled: bool = True) -> None:
    """Print a line on stderr."""
    if enabled:
        from rich.console import Console

        Console(stderr=True, soft_wrap=True, highlight=False).print(message, markup=False)
