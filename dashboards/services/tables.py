"""Tables as files to download."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imgsim.io.csv import csv_text

if TYPE_CHECKING:
    import pandas as pd


def csv(table: pd.DataFrame) -> bytes:
    """Write a table as CSV in UTF-8; lone surrogates become escapes."""
    return csv_text(table).encode("utf-8", "backslashreplace")
