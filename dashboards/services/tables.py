"""Tables to take home."""

from __future__ import annotations

from csv import QUOTE_NONNUMERIC
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def csv(table: pd.DataFrame) -> bytes:
    """A table as CSV in UTF-8, text quoted: names may hold commas and ends of lines; lone surrogates become escapes."""
    text: str = table.to_csv(index=False, quoting=QUOTE_NONNUMERIC)
    return text.encode("utf-8", "backslashreplace")
