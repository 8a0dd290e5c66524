"""Rows as tables for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from tests.benchmarks.settings import Row

MOST_COLUMNS = 13


def table(title: str, rows: Sequence[Row]) -> Table:
    """A table of ``rows``: a column per key, in order of first appearance, bounds left out.

    Where that is wider than a screen, a line per key.
    """
    made = Table(title=title, title_justify="left", header_style="bold")
    keys = [key for key in dict.fromkeys(key for row in rows for key in row) if not key.endswith(("_low", "_high"))]
    if len(keys) > MOST_COLUMNS:
        _turn(made, keys, rows)
        return made
    for key in keys:
        text = any(isinstance(row.get(key), str) for row in rows)
        made.add_column(key.replace("_", " "), justify="left" if text else "right")
    for row in rows:
        made.add_row(*(_cell(row[key]) if key in row else "" for key in keys))
    return made


def _turn(made: Table, keys: Sequence[str], rows: Sequence[Row]) -> None:
    made.add_column("figure")
    for _ in rows:
        made.add_column(justify="right")
    for key in keys:
        made.add_row(key.replace("_", " "), *(_cell(row[key]) if key in row else "" for row in rows))


def show(title: str, rows: Sequence[Row]) -> None:
    """Print `table`; at least 140 columns wide where the output is no terminal."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=140)
    console.print(table(title, rows))


def _cell(value: str | int | float) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int) or value == 0 or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 1 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
