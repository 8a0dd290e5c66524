"""Tables that list images: a CSV, TSV or Parquet file or a DataFrame, whose columns are read as text."""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import PurePath
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from imgsim import schema
from imgsim.errors import ArgumentError, SourceError
from imgsim.images.listing import AUTO, COLUMN
from imgsim.images.saved_table import REJECTED_KEY, ROOT_COLUMN, ROOT_KEY, read_labels_note

PATH_COLUMNS = ("path", "file", "filename", "file_name", "filepath", "image", "image_path")
LABEL_COLUMNS = ("label", "labels", "class", "category")
SPLIT = "split"  # the column that says train, val or test
SEPARATORS = {".csv": ",", ".tsv": "\t"}
OTHER_SEPARATORS = (",", ";", "\t", "|")  # Excel writes semicolons where the comma is a decimal mark
SUFFIXES = (*SEPARATORS, ".parquet", ".pq")
LONGEST_FIELD = 2**31 - 1
Texts = list[str | None]


@dataclass
class SourceTable:
    """Columns of a table that lists images, and what a saved table of images brings along.

    ``columns`` are the (name, values) in order; a name may occur twice. ``bad_rows`` are the rows that do not fit the
    header, with the reason; they are empty in all columns.
    """

    name: str
    columns: list[tuple[str, Any]]
    root: str = ""
    labels_from: str | None = None
    rejected: list[dict[str, str]] = field(default_factory=list)
    bad_rows: dict[int, str] = field(default_factory=dict)

    @property
    def is_saved(self) -> bool:
        """Tell if `ImageTable.save` wrote this table."""
        return {field.name for field in schema.IMAGES} - {SPLIT} <= {name for name, _ in self.columns}

    def path_column(self) -> str:
        """Return the name of the column of paths.

        Raises
        ------
        SourceError
            No column has one of the usual names.
        """
        found = self._find(PATH_COLUMNS)
        if found is None:
            listed = ", ".join(name for name, _ in self.columns)
            raise SourceError(
                f"{self.name}: the table has no column of paths; its columns are: {listed}. Call one of them 'path'."
            )
        return found

    def label_column(self, labels: str) -> str | None:
        """Return the name of the column that ``labels`` means; None if ``"auto"`` finds none.

        Raises
        ------
        ArgumentError
            There is no such column.
        """
        names = [name for name, _ in self.columns]
        found = self._find(LABEL_COLUMNS) if labels in (AUTO, COLUMN) else labels if labels in names else None
        if found is None and labels != AUTO:
            wanted = "called 'label'" if labels == COLUMN else repr(labels)
            raise ArgumentError(
                f"{self.name}: there is no column {wanted} to take labels from; the columns are: {', '.join(names)}."
            )
        return found

    def texts(self, name: str) -> Texts:
        """Return a column as text, such as ``"3"`` for 3; None for what is missing or empty.

        Raises
        ------
        SourceError
            Two columns have this name; or it holds lists or other values that are no text, number or date.
        """
        found = [values for given, values in self.columns if given == name]
        if len(found) > 1:
            raise SourceError(f"{self.name}: {len(found)} columns are called {name!r}. Rename all but one of them.")
        try:
            return [text or None for text in _as_text(found[0])]
        except TypeError as error:
            raise SourceError(
                f"{self.name}: the column {name!r} holds {error}, but one text, number or date per image is needed. "
                "Change it, or choose another column."
            ) from None

    def has(self, name: str) -> bool:
        """Tell if there is such a column."""
        return any(name == found for found, _ in self.columns)

    def _find(self, wanted: Sequence[str]) -> str | None:
        """Return the column with the first of the wanted names that occurs, in upper or lower case."""
        names = {name.lower(): name for name, _ in reversed(self.columns)}
        return next((names[name] for name in wanted if name in names), None)


def is_table(path: str) -> bool:
    """Tell if a file name is that of a CSV, TSV or Parquet file."""
    return path.lower().endswith(SUFFIXES)


def read_table(data: bytes, path: str, where: str) -> SourceTable:
    """Read the bytes of a CSV, TSV or Parquet file, as the suffix of ``path`` says; errors name it as ``where``.

    Raises
    ------
    SourceError
        The file is damaged, empty, or text in another encoding than UTF-8, UTF-16 and UTF-32.
    """
    suffix = "." + path.rpartition(".")[2].lower()
    try:
        return _read_csv(data, where, SEPARATORS[suffix]) if suffix in SEPARATORS else _read_parquet(data, where)
    except (ValueError, KeyError, TypeError, OSError, csv.Error, pa.ArrowException) as error:
        raise SourceError(f"{where} cannot be read as a table: {error}") from error


def is_memory_table(source: Any) -> bool:
    """Tell if an object is a table of pandas, of Arrow, or of a library whose tables Arrow can read, such as Polars."""
    return isinstance(source, pd.DataFrame) or (hasattr(source, "columns") and hasattr(source, "__arrow_c_stream__"))


def from_memory(table: Any) -> SourceTable:
    """Read a table in memory; its columns, and the named indexes of pandas, may be of any type."""
    if not isinstance(table, pd.DataFrame):
        arrow = pa.table(table)
        return SourceTable("the table", list(zip(arrow.column_names, arrow.columns, strict=True)))
    columns = [(str(name), table.iloc[:, i]) for i, name in enumerate(table.columns)]
    indexes = [(name, table.index.get_level_values(name)) for name in table.index.names if isinstance(name, str)]
    taken = {name for name, _ in columns}
    return SourceTable("the table", columns + [(name, values) for name, values in indexes if name not in taken])


def _read_csv(data: bytes, path: str, separator: str) -> SourceTable:
    """Read a CSV file; fields after the last named column may be there if they are empty."""
    csv.field_size_limit(LONGEST_FIELD)
    text = _decode(data)
    if first := re.match(r"sep=(.)\r?\n", text):  # written by Excel and for it
        text, separator = text[first.end() :], first[1]
    header, rows, separator = _split_fields(text, separator)
    width = len(header)
    while width > 1 and not header[width - 1]:  # a comma at the end of the header
        width -= 1
    columns: list[list[str | None]] = [[] for _ in range(width)]
    bad = {}
    for count, row in enumerate(rows):
        if any(row[width:]):
            bad[count] = f"it has {len(row)} fields, the header {width}: quote fields that hold {separator!r}"
        fields = [] if count in bad else row[:width]
        for column, value in zip_longest(columns, fields):
            column.append(value)
    table = SourceTable(path, list(zip(header, columns, strict=False)), bad_rows=bad)
    if table.is_saved and table.has(ROOT_COLUMN):
        table.root = next(filter(None, table.texts(ROOT_COLUMN)), "")
    return table


def _decode(data: bytes) -> str:
    """Decode a CSV file in UTF-8, UTF-16 or UTF-32, as its first bytes say."""
    marks = [(codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32")]
    marks += [(codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")]
    encoding = next((name for mark, name in marks if data.startswith(mark)), "utf-8-sig")
    if b"\0" in data[:2] and encoding == "utf-8-sig":  # UTF-16 without a mark: column names are ASCII
        encoding = "utf-16-be" if data[:1] == b"\0" else "utf-16-le"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise ValueError(f"it is no text in UTF-8 or UTF-16 ({error}); save it in UTF-8") from None


def _split_fields(text: str, separator: str) -> tuple[list[str], Iterator[list[str]], str]:
    """Return header, rows and separator: the one given, unless only another one gives a column of paths.

    Where names in the header are padded with blanks, so are the fields, and the blanks are removed.
    """

    def rows(separator: str, padded: bool) -> Iterator[list[str]]:
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=padded)
        for row in lines:
            if any(field.strip() for field in row) or len(row) > 1:
                yield [field.strip() for field in row] if padded else row

    def header(separator: str) -> list[str]:
        found = next(rows(separator, padded=False), None)
        if found is None:
            raise ValueError("the file is empty")
        return found

    def has_paths(separator: str) -> bool:
        return any(name.strip().lower() in PATH_COLUMNS for name in header(separator))

    separator = next(filter(has_paths, (separator, *OTHER_SEPARATORS)), separator)
    padded = any(name != name.strip() for name in header(separator))
    fields = rows(separator, padded)
    return next(fields), fields, separator


def _read_parquet(data: bytes, path: str) -> SourceTable:
    table = pq.read_table(pa.BufferReader(data))
    notes = table.schema.metadata or {}
    rows = json.loads(notes.get(REJECTED_KEY, b"[]"))
    return SourceTable(
        path,
        list(zip(table.column_names, table.columns, strict=True)),
        notes.get(ROOT_KEY, b"").decode(),
        read_labels_note(table),
        [{name: str(row[name]) for name in schema.REJECTED.names} for row in rows],
    )


def _as_text(values: Any) -> Texts:
    """Return the values of a list of text, a pandas Series or an Arrow column as text.

    Raises
    ------
    TypeError
        What values of another kind are.
    """
    if isinstance(values, list):
        return values
    if isinstance(values, pa.ChunkedArray):
        try:
            return _arrow_text(values)
        except pa.ArrowException:
            raise TypeError(f"values of the type {values.type}") from None
    try:
        array = pa.array(values, from_pandas=True)
        if not isinstance(array.type, pa.BaseExtensionType):
            return _arrow_text(array)
    except (pa.ArrowException, OverflowError):
        pass  # of several types, or of one that Arrow does not know
    return [_value_text(value) for value in values]


def _arrow_text(array: Any) -> Texts:
    kind = array.type
    if isinstance(kind, pa.BaseExtensionType):
        return _arrow_text(array.cast(kind.storage_type))
    if pa.types.is_dictionary(kind):
        return _arrow_text(array.cast(kind.value_type))
    if pa.types.is_floating(kind):
        array = pc.if_else(pc.is_nan(array), pa.scalar(None, kind), array)
    if pa.types.is_boolean(kind):
        array = pc.if_else(array, "True", "False")
    text = array.cast(pa.string())
    if pa.types.is_timestamp(kind):
        text = pc.replace_substring_regex(text, r" 00:00:00(\.0+)?$", "")
    return list(text.to_pylist())


def _value_text(value: Any) -> str | None:
    if isinstance(value, (str, PurePath)):
        return str(value)
    if not pd.api.types.is_scalar(value) or isinstance(value, bytes):
        raise TypeError(f"a {type(value).__name__}")
    if pd.isna(value):
        return None
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
