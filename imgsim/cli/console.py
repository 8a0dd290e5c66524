"""Output of commands: results on stdout, messages on stderr, tables, or one JSON document."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

PIPE_WIDTH = 10_000  # columns when nobody watches: nothing is cut


def plain(value: object) -> str:
    """Make text harmless for a terminal: control characters and broken encodings become escapes."""
    text = str(value)
    return text if text.isprintable() else "".join(map(_visible, text))


def _visible(character: str) -> str:
    return character if character.isprintable() else ascii(character)[1:-1]


def say(text: object = "") -> None:
    """Print one line of the result, literally."""
    sys.stdout.write(f"{plain(text)}\n")


def note(text: object) -> None:
    """Print messages for people on stderr, literally; line breaks are kept."""
    sys.stderr.write("".join(f"{plain(line)}\n" for line in str(text).splitlines() or [""]))
    sys.stderr.flush()


def emit(document: Any) -> None:
    """Print the one JSON document of ``--json``; NaN and infinity become null."""
    json.dump(to_json(document), sys.stdout, indent=2, allow_nan=False)
    sys.stdout.write("\n")


def to_json(value: Any) -> Any:
    """Convert numpy scalars, paths, dates and containers of them to plain JSON types."""
    if isinstance(value, dict):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    if hasattr(value, "tolist"):  # numpy scalars and arrays
        return to_json(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, (str, bool, int)) else str(value)


def records(frame: Any) -> list[dict[str, Any]]:
    """Convert rows of a DataFrame to JSON-ready dictionaries, missing values to None."""
    rows: list[dict[str, Any]] = to_json(frame.to_dict("records"))
    return rows


def print_pairs(pairs: Iterable[tuple[str, object]]) -> None:
    """Print names and values below each other."""
    kept = list(pairs)
    width = max((len(name) for name, _ in kept), default=0)
    for name, value in kept:
        say(f"{name:<{width}}  {plain(value)}")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], right: Sequence[str] = ()) -> None:
    """Print rows below column heads; cells are literal text, ``right`` names the columns of numbers."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in columns:
        table.add_column(Text(name), justify="right" if name in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(plain(cell)) for cell in row))
    _console().print(table)


def _console() -> Console:
    from rich.console import Console

    width = None if sys.stdout.isatty() else PIPE_WIDTH
    return Console(file=sys.stdout, markup=False, emoji=False, highlight=False, width=width)


def percent(metrics: dict[str, float], name: str) -> str:
    """Format a metric and its 95 % bounds as ``0.842 (0.835 to 0.850)``."""
    low, high = metrics.get(f"{name}_low"), metrics.get(f"{name}_high")
    value = f"{metrics[name]:.3f}"
    return value if low is None or high is None else f"{value}  ({low:.3f} to {high:.3f})"
