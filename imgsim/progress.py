"""One progress bar for everything: count, rate and time left, on stderr, only when the work takes a while."""

import time
from collections.abc import Iterable, Iterator, Sized
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.progress import Progress

Item = TypeVar("Item")

DELAY = 1.0  # seconds of work before a bar appears
REFRESH = 0.1  # seconds between updates


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
        yield from iterable
        return
    if total is None:
        total = len(iterable) if isinstance(iterable, Sized) else None
    start = shown = time.monotonic()
    bar: Progress | None = None
    done = 0
    try:
        for item in iterable:
            yield item
            done += 1
            now = time.monotonic()
            if now - shown < (REFRESH if bar else DELAY):
                continue
            shown = now
            if bar is None:
                bar = _start_bar(description, total)
            _update(bar, done, now - start, total)
    finally:
        if bar is not None:
            _update(bar, done, time.monotonic() - start, total)
            bar.stop()


def _start_bar(description: str, total: int | None) -> "Progress":
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = [
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[pace]}"),
    ]
    bar = Progress(*columns, console=Console(stderr=True))
    bar.add_task(description, total=total, pace="")
    bar.start()
    return bar


def _update(bar: "Progress", done: int, elapsed: float, total: int | None) -> None:
    rate = done / max(elapsed, 1e-9)
    pace = f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.1f}/s"
    if total is not None and rate > 0 and done < total:
        pace += f", {_duration((total - done) / rate)} left"
    else:
        pace += f", {_duration(elapsed)}"
    bar.update(bar.task_ids[0], completed=done, pace=pace)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


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
    """A line on stderr."""
    if enabled:
        from rich.console import Console

        Console(stderr=True, soft_wrap=True, highlight=False).print(message, markup=False)
