"""Saved tables of images: the files of `ImageTable.save`."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from imgsim import schema
from imgsim.errors import ArgumentError, SourceError
from imgsim.io.atomic import atomic_path

ROOT_KEY = b"imgsim.root"
REJECTED_KEY = b"imgsim.rejected"
LABELS_KEY = b"imgsim.labels"
ROOT_COLUMN = "root"  # a CSV file has no metadata: its last column repeats the root


@dataclass(frozen=True)
class SavedTable:
    """Content of a file: the columns of `schema.IMAGES`, rejected rows, the root, and what was taken as labels."""

    table: pa.Table
    rejected: pd.DataFrame
    root: str = ""
    labels_from: str | None = None


def write_images(path: Path, images: SavedTable) -> None:
    """Write a table of images atomically, as Parquet or CSV by its suffix.

    Raises
    ------
    ArgumentError
        The suffix is neither ``.parquet`` nor ``.csv``.
    """
    suffix = path.suffix.lower()
    if suffix == ".csv":
        with atomic_path(path) as temporary:
            roots = pa.array([images.root] * len(images.table), pa.string())
            pc.write_csv(images.table.append_column(ROOT_COLUMN, roots), temporary)
    elif suffix in (".parquet", ".pq"):
        rejected = json.dumps(images.rejected.to_dict("records")).encode()
        labels = labels_note(images.labels_from) | schema.decisions_note(images.table)
        notes = {ROOT_KEY: images.root.encode(), REJECTED_KEY: rejected, **labels}
        with atomic_path(path) as temporary:
            pq.write_table(images.table.replace_schema_metadata(notes), temporary, compression="zstd")
    else:
        raise ArgumentError(f"{path}: a table of images is saved as .parquet or .csv, not as {suffix or 'a folder'!r}.")


def labels_note(labels_from: str | None) -> dict[bytes, bytes]:
    """Return the metadata of a Parquet file that says what was taken as labels."""
    return {} if labels_from is None else {LABELS_KEY: labels_from.encode()}


def read_labels_note(table: pa.Table) -> str | None:
    """Return what `labels_note` wrote; None in a file of an earlier version."""
    note = (table.schema.metadata or {}).get(LABELS_KEY)
    return None if note is None else note.decode(errors="replace")


def read_images(path: Path) -> SavedTable:
    """Read what `write_images` wrote.

    Raises
    ------
    SourceError
        The file is missing, damaged, or not a saved table of images.
    """
    if os.path.isdir(path):  # noqa: PTH112 - pathlib's raises where a name is too long
        raise SourceError(f"{path} is a folder, not a saved table of images.")
    try:
        table = _read_csv(path) if path.suffix.lower() == ".csv" else pq.read_table(path, partitioning=None)
    except FileNotFoundError as error:
        raise SourceError(f"{path}: there is no such file.") from error
    except (OSError, ValueError, pa.ArrowException) as error:  # ValueError: a name that is not UTF-8
        raise SourceError(f"{path} cannot be read as a saved table of images: {error}") from error
    missing = [name for name in schema.IMAGES.names if name not in (*table.column_names, "split")]
    if missing:
        advice = f"imgsim.load_images({str(path)!r}) reads any table that has paths"
        raise SourceError(f"{path} is not a saved table of images, it lacks {', '.join(missing)}; {advice}.")
    notes = table.schema.metadata or {}
    root = notes.get(ROOT_KEY, b"").decode()
    if ROOT_COLUMN in table.column_names and len(table):
        root = table[ROOT_COLUMN][0].as_py() or ""
    rejected = json.loads(notes.get(REJECTED_KEY, b"[]"))
    try:
        return SavedTable(schema.images(table), pd.DataFrame(rejected), root, read_labels_note(table))
    except (ValueError, pa.ArrowException) as error:
        raise SourceError(f"{path} is not a saved table of images: {error}") from error


def _read_csv(path: Path) -> pa.Table:
    types = {field.name: field.type for field in schema.IMAGES} | {ROOT_COLUMN: pa.string()}
    nulls = pc.ConvertOptions(
        column_types=types, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
    )
    return pc.read_csv(path, parse_options=pc.ParseOptions(newlines_in_values=True), convert_options=nulls)
