"""Downloads of a basket: a table of its images as Parquet, or a zip with their thumbnails as well."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from typing import TYPE_CHECKING
from unicodedata import normalize

from dashboards.services.format import visible
from dashboards.services.models.loaded_model import Loaded
from dashboards.services.query_text import MOST_TERMS, MOST_WEIGHT, Term, format_terms
from dashboards.services.tables import Share, image_csv, image_table

if TYPE_CHECKING:
    import pandas as pd

PICTURES = "thumbnails"
_PART = re.compile(r"[\x00-\x1f\x7f<>:\"/\\|?*]")
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
_LONGEST, _DEEPEST = 80, 4


def parquet(found: pd.DataFrame) -> bytes:
    """Write Parquet, every name as it is."""
    target = io.BytesIO()
    found.to_parquet(target, index=False)
    return target.getvalue()


def archive(shares: Sequence[Share]) -> bytes:
    """Make a zip of ``basket.csv`` and the thumbnails that the versions carry; a column says which is whose."""
    found = image_table(shares)
    names: list[str | None] = []
    taken: set[str] = set()
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as file:
        for share in shares:
            paths = share.loaded.model.images.paths
            for row, data in zip(share.rows, share.loaded.model.thumbnails(share.rows), strict=True):
                name = None if data is None else free(member(paths[row]), taken)
                names.append(name)
                if data is not None and name is not None:
                    file.writestr(zipfile.ZipInfo(name), data)
        file.writestr(zipfile.ZipInfo("basket.csv"), image_csv(found.assign(thumbnail=names)), zipfile.ZIP_DEFLATED)
    return target.getvalue()


def member(path: str) -> str:
    """Make a name inside the zip of an image's path: below `PICTURES`, and harmless wherever it is unpacked.

    No part of it leads upwards, is empty, hidden, too long, a device of Windows, or holds what a system cannot store.
    """
    parts = [_safe(part) for part in path.replace("\\", "/").split("/") if part.strip(". ")]
    name = parts[-1] if parts else "image"
    folders = [f"{part}_" if _is_jpeg(part) else part for part in parts[-1 - _DEEPEST : -1]]  # no file has their name
    return "/".join([PICTURES, *folders, name if _is_jpeg(name) else f"{name}.jpg"])


def _is_jpeg(name: str) -> bool:
    return name.lower().endswith((".jpg", ".jpeg"))


def _safe(part: str) -> str:
    part = _PART.sub("_", visible(part)).strip(". ")
    if len(part) > _LONGEST:
        part = f"{part[: _LONGEST - 21]}_{part[-20:]}"
    part = part.strip(". ") or "_"
    return f"_{part}" if _RESERVED.fullmatch(part) else part


def free(name: str, taken: set[str]) -> str:
    """Take a name, numbered if a file of the zip has it already, as systems compare names."""
    stem, _, kind = name.rpartition(".")
    found, number = name, 1
    while _compared(found) in taken:
        number += 1
        found = f"{stem}-{number}.{kind}"
    taken.add(_compared(found))
    return found


def _compared(name: str) -> str:
    """Normalize a name, so that names are equal which Windows and macOS take for the same."""
    return normalize("NFC", normalize("NFC", name).casefold())


def as_query(loaded: Loaded, rows: Sequence[int], weights: Sequence[float]) -> str:
    """Write the query, as in the URL, of up to `MOST_TERMS` images with a weight each; 0 leaves an image out."""
    terms = [
        Term(row, max(-MOST_WEIGHT, min(weight, MOST_WEIGHT)))
        for row, weight in zip(rows, weights, strict=True)
        if weight
    ]
    return format_terms(loaded, terms[:MOST_TERMS])
