"""Tables to download: any table as CSV, and the table of images such as those of a basket."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dashboards.services.models.loaded_model import Loaded
from imgsim.io.csv import csv_text

if TYPE_CHECKING:
    import pandas as pd

FACTS = ("id", "path", "label", "sha256", "bytes", "width", "height", "format", "mtime")
"""Columns of a model's images that the table has, after model, version and row."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Share:
    """Images of one version, such as its part of a basket."""

    loaded: Loaded
    rows: tuple[int, ...]


def csv(table: pd.DataFrame) -> bytes:
    """Write a table as CSV in UTF-8; lone surrogates become escapes."""
    return csv_text(table).encode("utf-8", "backslashreplace")


def image_table(shares: Sequence[Share]) -> pd.DataFrame:
    """Make a table with one line per image: ``model``, ``version``, ``row``, and what the version knows of the file."""
    import pandas as pd

    parts = [_part(share) for share in shares if share.rows]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["model", "version", "row", *FACTS])


def _part(share: Share) -> pd.DataFrame:
    rows = list(share.rows)
    part = share.loaded.model.images[rows].to_pandas()[list(FACTS)]
    part.insert(0, "model", share.loaded.name)
    part.insert(1, "version", share.loaded.version)
    part.insert(2, "row", rows)
    return part


def image_csv(found: pd.DataFrame) -> bytes:
    """Write CSV in UTF-8; text that a spreadsheet would run as a formula gets an apostrophe before it."""
    safe = found.copy()
    for name in ("path", "label"):
        safe[name] = [_text(value) for value in safe[name]]
    return csv(safe)


def _text(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
