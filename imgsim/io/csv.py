"""Tables as CSV that reads back the same: text is quoted, for names may hold commas, quotes and any end of a line."""

from __future__ import annotations

from csv import QUOTE_NONNUMERIC
from io import StringIO
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def write_csv(table: pd.DataFrame, target: Path | IO[str]) -> None:
    """Write a table without its index, in UTF-8."""
    table.to_csv(target, index=False, quoting=QUOTE_NONNUMERIC)


def csv_text(table: pd.DataFrame) -> str:
    """Return as text what `write_csv` writes."""
    text = StringIO(newline="")
    write_csv(table, text)
    return text.getvalue()
