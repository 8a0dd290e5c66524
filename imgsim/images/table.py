"""`ImageTable`: an immutable table of images, with the files that were rejected."""

import hashlib
import html
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from imgsim import schema
from imgsim.decoding.decode import decode
from imgsim.errors import ArgumentError, ArgumentTypeError, ImageError
from imgsim.images.read_files import Files, open_files
from imgsim.images.read_tables import read_images, write_images
from imgsim.io.atomic import atomic_path
from imgsim.io.urls import join

if TYPE_CHECKING:
    from PIL.Image import Image


class ImageTable:
    """Images, one per row; immutable. `imgsim.load_images` makes them.

    Parameters
    ----------
    table : pyarrow.Table
        Columns of `imgsim.schema.IMAGES` (``split`` may be missing); ids unique.
    rejected : list of dict or pandas.DataFrame, optional
        Columns of `imgsim.schema.REJECTED`: path, stage, reason.
    root : str
        Absolute folder or fsspec URL that the paths start from; empty when unknown.
    skipped : int
        Number of hidden files and files of other kinds in the source.
    storage_options : mapping, optional
        fsspec options to read from a URL.

    Raises
    ------
    ArgumentError
        Other columns, or an id twice.
    """

    def __init__(
        self,
        table: pa.Table,
        rejected: "Iterable[Mapping[str, Any]] | pd.DataFrame" = (),
        root: str = "",
        skipped: int = 0,
        storage_options: Mapping[str, Any] | None = None,
    ) -> None:
        try:
            self._table = schema.images(table).combine_chunks()
        except (KeyError, ValueError, pa.ArrowException) as error:
            raise ArgumentError(f"a table of images has the columns {schema.IMAGES.names}: {error}") from error
        if len(np.unique(self.ids)) != len(self._table):
            raise ArgumentError("a table of images must not hold the same id twice.")
        self._rejected = pd.DataFrame(rejected, columns=schema.REJECTED.names).astype(object)
        self._root = root
        self._skipped = skipped
        self._options = dict(storage_options or {})

    @classmethod
    def load(cls, path: str | PathLike[str]) -> "ImageTable":
        """Read what `save` wrote.

        Raises
        ------
        SourceError
            The file is missing, damaged, or not a saved table of images.
        """
        table, rejected, root = read_images(Path(path))
        return cls(table, rejected, root)

    @property
    def table(self) -> pa.Table:
        """Arrow table with the columns of `imgsim.schema.IMAGES`."""
        return self._table

    @property
    def rejected(self) -> pd.DataFrame:
        """Files that cannot be used: path, stage (list, read, header, decode), reason."""
        return self._rejected.copy()

    @property
    def root(self) -> str:
        """Absolute folder or URL that `paths` start from; empty when unknown."""
        return self._root

    @property
    def skipped(self) -> int:
        """Number of hidden files and files of other kinds in the source."""
        return self._skipped

    @cached_property
    def ids(self) -> NDArray[np.int64]:
        """Ids of the images, (n,) int64, read-only."""
        values: NDArray[np.int64] = self._table["id"].to_numpy()
        values.setflags(write=False)
        return values

    @cached_property
    def paths(self) -> list[str]:
        """Paths relative to `root`, separated by ``/``."""
        return self._strings("path")

    @cached_property
    def labels(self) -> list[str | None]:
        """Label (class) of each image; None where there is none."""
        return list(self._table["label"].to_pylist())

    @cached_property
    def splits(self) -> list[str | None]:
        """Split of each image (train, val, test, ...); None where the source named none."""
        return list(self._table["split"].to_pylist())

    @cached_property
    def sha256(self) -> list[str]:
        """Hexadecimal sha256 of each file's bytes."""
        return self._strings("sha256")

    @property
    def locations(self) -> list[str]:
        """Full paths or URLs, root included."""
        return [self.location(row) for row in range(len(self))]

    def location(self, row: int) -> str:
        """Return the full path or URL of the file in a row."""
        return join(self._root, self.paths[row])

    @cached_property
    def digest(self) -> str:
        """Hexadecimal sha256 of ids, paths, labels, splits and contents, whatever the root and modification times."""
        content = [self.ids.tolist(), self.paths, self.labels, self.splits, self.sha256]
        return hashlib.sha256(json.dumps(content, separators=(",", ":")).encode()).hexdigest()

    def _strings(self, name: str) -> list[str]:
        return list(self._table[name].to_pylist())

    @cached_property
    def _files(self) -> Files:
        return open_files(self._root, self._options)

    def column(self, name: str) -> Any:
        """Return one column: an array for numbers and times, a list for text.

        Raises
        ------
        ArgumentError
            There is no such column.
        """
        if name not in self._table.column_names:
            raise ArgumentError(f"there is no column {name!r}; the columns are: {', '.join(self._table.column_names)}.")
        values = self._table[name]
        return values.to_pylist() if pa.types.is_string(values.type) else values.to_numpy()

    def __len__(self) -> int:
        return len(self._table)

    def __getitem__(self, rows: "int | slice | Sequence[int] | Sequence[bool] | NDArray[Any]") -> "ImageTable":
        """Select rows by position, positions, slice or boolean mask; ids, rejected rows and root are kept."""
        if isinstance(rows, slice):
            positions = np.arange(len(self))[rows]
        elif isinstance(rows, (int, np.integer)) and not isinstance(rows, bool):
            positions = _positions([int(rows)], len(self))
        else:
            positions = _positions(rows, len(self))
        return self._with_table(self._table.take(pa.array(positions, pa.int64())))

    def _with_table(self, table: pa.Table) -> "ImageTable":
        return ImageTable(table, self._rejected, self._root, self._skipped, self._options)

    def filter_by(self, values: Any, column: str = "id") -> "ImageTable":
        """Select the rows whose ``column`` holds one of ``values`` (one value or many), in the order of this table.

        Raises
        ------
        ArgumentError
            There is no such column.
        ArgumentTypeError
            The values are of another type than the column.
        """
        self.column(column)
        several = isinstance(values, Iterable) and not isinstance(values, (str, bytes))
        try:
            wanted = pa.array(list(values) if several else [values], self._table[column].type)
        except (TypeError, ValueError, OverflowError, pa.ArrowException) as error:
            raise ArgumentTypeError(f"the column {column!r} cannot hold these values: {error}") from error
        return self._with_table(self._table.filter(pc.is_in(self._table[column], value_set=wanted)))

    def with_rejected(self, rows: Iterable[Mapping[str, Any]]) -> "ImageTable":
        """Return this table with more rejected rows (path, stage, reason) after the present ones."""
        rejected = [*self._rejected.to_dict("records"), *rows]
        return ImageTable(self._table, rejected, self._root, self._skipped, self._options)

    def read_bytes(self, row: int) -> bytes:
        """Read the content of the file in a row.

        Raises
        ------
        ImageError
            Stage ``"read"``: the file is gone or unreadable, or the root is unknown.
        """
        path = self.paths[row]
        if not self._root:
            raise ImageError("read", f"{path}: this table does not know its folder; load the images again")
        try:
            return self._files.read(path)[0]
        except ImageError as error:
            raise ImageError("read", f"{self.location(row)}: {error.reason}") from None

    def to_pandas(self) -> pd.DataFrame:
        """Return all columns as a pandas DataFrame."""
        frame: pd.DataFrame = self._table.to_pandas()
        return frame

    def save(self, path: str | PathLike[str]) -> None:
        """Write to ``.parquet`` (with root and rejected rows) or ``.csv`` (with a column ``root``), atomically.

        Raises
        ------
        ArgumentError
            Any other suffix.
        """
        write_images(Path(path), self._table, self._rejected, self._root)

    def save_rejected(self, path: str | PathLike[str]) -> None:
        """Write the rejected rows as Parquet, atomically."""
        rows = pa.Table.from_pylist(self._rejected.to_dict("records"), schema=schema.REJECTED)
        with atomic_path(Path(path)) as temporary:
            pq.write_table(rows, temporary)

    def show(self, n: int = 25, columns: int = 5, size: int = 160) -> "Image":
        """Draw a contact sheet of the first ``n`` images, ``columns`` per row, square tiles of ``size`` pixels."""
        from imgsim.images.contact_sheet import contact_sheet

        captions = [f"{self.ids[i]}  {self.labels[i] or self.paths[i]}" for i in range(min(n, len(self)))]
        return contact_sheet([self._picture(i, size) for i in range(len(captions))], captions, columns, size)

    def _picture(self, row: int, size: int) -> NDArray[np.uint8] | None:
        try:
            return decode(self.read_bytes(row), at_least=(size, size))
        except ImageError:
            return None

    def __repr__(self) -> str:
        classes = Counter(label for label in self.labels if label is not None)
        parts = [f"{len(self):,} image{'' if len(self) == 1 else 's'}"]
        parts += [f"{len(classes):,} label{'' if len(classes) == 1 else 's'}"] if classes else []
        parts += [f"{len(self._rejected):,} rejected"] if len(self._rejected) else []
        parts += [f"{self._skipped:,} skipped"] if self._skipped else []
        place = f" from {self._root}" if self._root else ""
        return f"<ImageTable: {', '.join(parts)}{place}>"

    def _repr_html_(self) -> str:
        frame = self[:10].to_pandas()
        frame["sha256"] = frame["sha256"].str[:12]
        return f"<p>{html.escape(repr(self))}</p>{frame.to_html(index=False, escape=True, border=0)}"


def _positions(rows: Any, count: int) -> NDArray[np.int64]:
    """Check row positions or a boolean mask; negative positions count from the end."""
    values = np.asarray(rows)
    if values.size == 0 and values.dtype != bool:
        return np.empty(0, np.int64)
    if values.ndim != 1 or values.dtype.kind not in "biu":
        raise ArgumentTypeError(f"rows are chosen by whole numbers, a slice or a boolean mask, not {rows!r}.")
    if values.dtype == bool:
        if len(values) != count:
            raise ArgumentError(f"the mask has {len(values)} values for {count} rows.")
        return np.flatnonzero(values)
    if values.min() < -count or values.max() >= count:
        raise IndexError(f"row {values[(values < -count) | (values >= count)][0]} of a table of {count} rows")
    return np.where(values < 0, values + count, values).astype(np.int64)
