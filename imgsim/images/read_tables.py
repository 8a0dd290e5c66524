"""Tables of images on disk: the files of `ImageTable.save`, and any CSV or Parquet file with a column of paths."""

import json
from io import BytesIO
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
ROOT_COLUMN = "root"  # a CSV file has no metadata: its last column repeats the root
PATH_COLUMNS = ("path", "file", "filename", "file_name", "filepath", "image", "image_path")
SEPARATORS = {".csv": ",", ".tsv": "\t"}
SUFFIXES = (*SEPARATORS, ".parquet", ".pq")


def is_table(path: str) -> bool:
    """Tell if a file name is that of a CSV, TSV or Parquet file."""
    return path.lower().endswith(SUFFIXES)


def path_column(table: pd.DataFrame) -> str:
    """Return the name of the column that holds paths.

    Raises
    ------
    SourceError
        No column has one of the usual names.
    """
    names = {str(name).lower(): str(name) for name in table.columns}
    for name in PATH_COLUMNS:
        if name in names:
            return names[name]
    found = ", ".join(map(str, table.columns))
    raise SourceError(f"the table has no column of paths; its columns are: {found}. Call one of them 'path'.")


def read_frame(data: bytes, path: str) -> pd.DataFrame:
    """Read the bytes of a CSV, TSV or Parquet file.

    The frame's ``attrs`` hold ``root`` ("" if unknown) and ``rejected`` rows of a table written by `write_images`.

    Raises
    ------
    SourceError
        The file is damaged, empty or not UTF-8.
    """
    suffix = "." + path.rpartition(".")[2].lower()
    try:
        if suffix in SEPARATORS:
            frame = pd.read_csv(
                BytesIO(data), sep=SEPARATORS[suffix], dtype=str, keep_default_na=False, encoding="utf-8-sig"
            )
            root = frame.pop(ROOT_COLUMN).iloc[0] if ROOT_COLUMN in frame and len(frame) else ""
            notes: dict[bytes, bytes] = {}
        else:
            table = pq.read_table(pa.BufferReader(data))
            notes = table.schema.metadata or {}
            root = notes.get(ROOT_KEY, b"").decode()
            frame = table.replace_schema_metadata(None).to_pandas()
        rows = json.loads(notes.get(REJECTED_KEY, b"[]"))
        rejected = [{name: str(row[name]) for name in schema.REJECTED.names} for row in rows]
    except (ValueError, KeyError, TypeError, OSError, pa.ArrowException) as error:
        raise SourceError(f"{path} cannot be read as a table: {error}") from error
    frame.attrs |= {"root": root, "rejected": rejected}
    return frame


def write_images(path: Path, table: pa.Table, rejected: pd.DataFrame, root: str) -> None:
    """Write a table of images atomically, as Parquet or CSV by its suffix.

    Raises
    ------
    ArgumentError
        The suffix is neither ``.parquet`` nor ``.csv``.
    """
    suffix = path.suffix.lower()
    if suffix == ".csv":
        with atomic_path(path) as temporary:
            pc.write_csv(table.append_column(ROOT_COLUMN, pa.array([root] * len(table), pa.string())), temporary)
    elif suffix in (".parquet", ".pq"):
        notes = {ROOT_KEY: root.encode(), REJECTED_KEY: json.dumps(rejected.to_dict("records")).encode()}
        with atomic_path(path) as temporary:
            pq.write_table(table.replace_schema_metadata(notes), temporary, compression="zstd")
    else:
        raise ArgumentError(f"{path}: a table of images is saved as .parquet or .csv, not as {suffix or 'a folder'!r}.")


def read_images(path: Path) -> tuple[pa.Table, list[dict[str, str]], str]:
    """Read what `write_images` wrote: the table, rejected rows and the root.

    Raises
    ------
    SourceError
        The file is missing, damaged, or not a saved table of images.
    """
    try:
        table = _read_csv(path) if path.suffix.lower() == ".csv" else pq.read_table(path, partitioning=None)
    except FileNotFoundError as error:
        raise SourceError(f"{path}: there is no such file.") from error
    except (OSError, pa.ArrowException) as error:
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
        return schema.images(table), rejected, root
    except (ValueError, pa.ArrowException) as error:
        raise SourceError(f"{path} is not a saved table of images: {error}") from error


def _read_csv(path: Path) -> pa.Table:
    types = {field.name: field.type for field in schema.IMAGES} | {ROOT_COLUMN: pa.string()}
    nulls = pc.ConvertOptions(
        column_types=types, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
    )
    return pc.read_csv(path, parse_options=pc.ParseOptions(newlines_in_values=True), convert_options=nulls)
