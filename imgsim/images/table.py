"""`ImageTable`: an immutable table of images, with the files that were rejected."""

import hashlib
import html
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from imgsim import arguments, schema
from imgsim.columns.texts import Texts
from imgsim.decoding.decode import decode
from imgsim.errors import ArgumentError, ArgumentTypeError, ImageError, RowError
from imgsim.images.read_files import Files, open_files
from imgsim.images.saved_table import SavedTable, read_images, write_images
from imgsim.images.scanning.spool import DOWNLOADED
from imgsim.io.arrow import write_parquet
from imgsim.io.paths import absolute
from imgsim.io.urls import ANYWHERE, below, common_folder, join

if TYPE_CHECKING:
    from PIL.Image import Image


SKIPPED = ("path", "reason")
_BLOCK = 65_536


class ImageTable:
    """Images, one per row; immutable. `imgsim.load_images` makes them.

    Parameters
    ----------
    table : pyarrow.Table
        Columns of `imgsim.schema.IMAGES` (``split`` may be missing); ids unique. Where people decided labels also
        ``source_label``.
    rejected : list of dict or pandas.DataFrame, optional
        Columns of `imgsim.schema.REJECTED`: path, stage, reason.
    root : str
        Absolute folder or fsspec URL that the paths start from; empty when unknown.
    skipped : iterable of mapping, or pandas.DataFrame
        What was left out of the source: ``path`` and ``reason``.
    storage_options : mapping, optional
        fsspec options to read from a URL.
    labels_from : str, optional
        What was taken as labels, in words.

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
        skipped: "Iterable[Mapping[str, Any]] | pd.DataFrame" = (),
        storage_options: Mapping[str, Any] | None = None,
        labels_from: str | None = None,
    ) -> None:
        arguments.instance(table, pa.Table, "table")
        try:
            self._table = schema.images(table).combine_chunks()
        except (KeyError, ValueError, pa.ArrowException) as error:
            raise ArgumentError(f"a table of images has the columns {schema.IMAGES.names}: {error}") from error
        if len(np.unique(self.ids)) != len(self._table):
            raise ArgumentError("a table of images must not hold the same id twice.")
        self._rejected = pd.DataFrame(rejected, columns=schema.REJECTED.names).astype(object)
        self._root = root
        self._skipped = pd.DataFrame(skipped, columns=SKIPPED).astype(object)
        if not isinstance(storage_options, (Mapping, type(None))):
            raise ArgumentTypeError(f"storage_options must be a mapping, not {type(storage_options).__name__}.")
        self._options = dict(storage_options or {})
        self._labels_from = labels_from

    @classmethod
    def load(cls, path: str | PathLike[str]) -> "ImageTable":
        """Read what `save` wrote.

        Raises
        ------
        SourceError
            The file is missing, damaged, or not a saved table of images.
        """
        saved = read_images(absolute(path))
        return cls(saved.table, saved.rejected, saved.root, labels_from=saved.labels_from)

    @property
    def table(self) -> pa.Table:
        """Arrow table with the columns of `imgsim.schema.IMAGES`, and ``source_label`` where people decided labels."""
        return self._table

    @property
    def rejected(self) -> pd.DataFrame:
        """Files that cannot be used: path, stage (list, read, header, decode), reason."""
        return self._rejected.copy()

    @property
    def root(self) -> str:
        """Absolute folder or URL that `paths` start from; ``"://"`` if they are complete; empty when unknown."""
        return self._root

    @property
    def skipped(self) -> int:
        """Number of rows of `skipped_files`."""
        return len(self._skipped)

    @property
    def skipped_files(self) -> pd.DataFrame:
        """Files left out of a folder: path, and reason: its extension, ``no extension``, hidden, or the pattern."""
        return self._skipped.copy()

    @property
    def labels_from(self) -> str | None:
        """Origin of the labels, such as ``"names of folders"``, ``"column 'kind'"``; None if nothing was."""
        return self._labels_from

    @cached_property
    def ids(self) -> NDArray[np.int64]:
        """Ids of the images, (n,) int64, read-only."""
        values: NDArray[np.int64] = self._table["id"].to_numpy()
        values.setflags(write=False)
        return values

    @cached_property
    def paths(self) -> Texts[str]:
        """Paths relative to `root`, separated by ``/``."""
        return Texts(self._table["path"])

    @cached_property
    def labels(self) -> Texts[str | None]:
        """Label (class) of each image; None where there is none."""
        return Texts(self._table["label"])

    @property
    def decisions(self) -> str | None:
        """Digest of the decided labels in this table (`imgsim.decisions`); None if there are none."""
        digest = schema.decisions_note(self._table).get(schema.DECISIONS_KEY)
        return None if digest is None else digest.decode(errors="replace")

    @property
    def source_labels(self) -> Texts[str | None]:
        """Label that the source gave each image, before people decided."""
        return self.labels if self.decisions is None else Texts(self._table[schema.SOURCE_LABEL.name])

    @property
    def changed_labels(self) -> int:
        """Number of images whose label people decided differently from the source."""
        if self.decisions is None:
            return 0
        return sum(label != source for label, source in zip(self.labels, self.source_labels, strict=True))

    @cached_property
    def splits(self) -> Texts[str | None]:
        """Split of each image (train, val, test, ...); None where the source named none."""
        return Texts(self._table["split"])

    @cached_property
    def sha256(self) -> Texts[str]:
        """Hexadecimal sha256 of each file's bytes."""
        return Texts(self._table["sha256"])

    @property
    def locations(self) -> list[str]:
        """Full paths or URLs, root included."""
        return [join(self._root, path) for path in self.paths]

    def location(self, row: int) -> str:
        """Return the full path or URL of the file in a row."""
        return join(self._root, self.paths[_one_row(row, len(self))])

    @cached_property
    def digest(self) -> str:
        """Hexadecimal sha256 of ids, paths, labels, splits and contents, whatever the root and modification times."""
        return self._digest_with(self.labels)

    @property
    def source_digest(self) -> str:
        """The digest with the labels that the source gave: another decision about labels does not change it."""
        return self.digest if self.decisions is None else self._digest_with(self.source_labels)

    def _digest_with(self, labels: Texts[str | None]) -> str:
        content = hashlib.sha256()
        for text in _json_of([self.ids, self.paths, labels, self.splits, self.sha256]):
            content.update(text.encode())
        return content.hexdigest()

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
        if not isinstance(name, str) or name not in self._table.column_names:
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
        return self.with_table(self._table.take(pa.array(positions, pa.int64())))

    def with_table(self, table: pa.Table) -> "ImageTable":
        """Return other rows with the root, the rejected rows and the notes of this table."""
        return ImageTable(table, self._rejected, self._root, self._skipped, self._options, self._labels_from)

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
        return self.with_table(self._table.filter(pc.is_in(self._table[column], value_set=wanted)))

    def with_rejected(self, rows: Iterable[Mapping[str, Any]]) -> "ImageTable":
        """Return this table with more rejected rows (path, stage, reason) after the present ones."""
        rejected = [*self._rejected.to_dict("records"), *rows]
        return ImageTable(self._table, rejected, self._root, self._skipped, self._options, self._labels_from)

    def append(self, other: "ImageTable") -> "ImageTable":
        """Return this table with the rows of another after its own, under the next free ids.

        Paths start from the deepest folder that holds the images of both: those of a folder below this table's root
        keep that root. Where they lie on different services, paths are complete; where one root is unknown, so is the
        new one.

        Raises
        ------
        ArgumentError
            There are not enough free ids.
        """
        if (self.decisions is None) != (other.decisions is None):
            return self._like(other).append(other._like(self))
        start = int(self.ids.max()) + 1 if len(self) else 0
        if start + len(other) > 2**63:
            raise ArgumentError(f"no ids are left after {start - 1}; give the images smaller ids.")
        root = common_folder(self._root, other._root)
        mine, others = (table._below(root) for table in (self, other))
        ids = pa.array(np.arange(start, start + len(other)), pa.int64())
        rows = pa.concat_tables([mine._table, others._table.set_column(0, schema.IMAGES.field("id"), ids)])
        rejected = [*mine._rejected.to_dict("records"), *others._rejected.to_dict("records")]
        skipped = [*mine._skipped.to_dict("records"), *others._skipped.to_dict("records")]
        options = {**self._options, **other._options}
        return ImageTable(rows, rejected, root, skipped, options, self._labels_from or other._labels_from)

    def with_decided_labels(self, labels: Mapping[str, str], digest: str) -> "ImageTable":
        """Return this table with other labels, by sha256; those of the source are kept in ``source_label``.

        Parameters
        ----------
        labels : mapping of str to str
            What was decided; images that it lacks have the label that the source gave.
        digest : str
            Names these decisions; see `decisions`.
        """
        source = self.source_labels
        decided = [labels.get(key, label) for key, label in zip(self.sha256, source, strict=True)]
        table = self._table.select(schema.IMAGES.names)
        at = schema.IMAGES.get_field_index("label")
        table = table.set_column(at, schema.IMAGES.field(at), pa.array(decided, pa.string()))
        table = table.append_column(schema.SOURCE_LABEL, pa.array(list(source), pa.string()))
        return self.with_table(table.replace_schema_metadata({schema.DECISIONS_KEY: digest.encode()}))

    def _like(self, other: "ImageTable") -> "ImageTable":
        """Return this table with the column of source labels, if the other one has it."""
        digest = other.decisions
        return self if self.decisions or digest is None else self.with_decided_labels({}, digest)

    def _below(self, root: str) -> "ImageTable":
        """Return this table with paths that start from a folder above its root; an unknown root changes nothing."""
        if not root or root == self._root:
            return self

        def moved(paths: Iterable[str]) -> list[str]:
            return [below(root, join(self._root, path)) or path for path in paths]

        table = self._table.set_column(1, schema.IMAGES.field("path"), pa.array(moved(self.paths), pa.string()))
        rejected, skipped = (rows.assign(path=moved(rows["path"])) for rows in (self._rejected, self._skipped))
        return ImageTable(table, rejected, root, skipped, self._options, self._labels_from)

    def without_notes(self) -> "ImageTable":
        """Return the images alone, without what was rejected and skipped: small pieces of it stay small."""
        return ImageTable(self._table, root=self._root, storage_options=self._options)

    def __reduce__(self) -> Any:
        parts = (self._table, self._rejected, self._root, self._skipped, self._options, self._labels_from)
        return ImageTable, parts

    def read_bytes(self, row: int) -> bytes:
        """Read the content of the file in a row.

        Raises
        ------
        ImageError
            Stage ``"read"``: the file is gone or unreadable, or the root is unknown.
        """
        row = _one_row(row, len(self))
        path = self.paths[row]
        if not self._root:
            raise ImageError("read", f"{path}: this table does not know its folder; load the images again")
        if (downloaded := DOWNLOADED.take(self.sha256[row])) is not None:
            return downloaded
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
        write_images(absolute(path), SavedTable(self._table, self._rejected, self._root, self._labels_from))

    def save_rejected(self, path: str | PathLike[str]) -> None:
        """Write the rejected rows as Parquet, atomically."""
        rows = pa.Table.from_pylist(self._rejected.to_dict("records"), schema=schema.REJECTED)
        write_parquet(rows, absolute(path))

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
        parts += [f"{self.skipped:,} skipped"] if self.skipped else []
        place = f" from {self._root}" if self._root not in ("", ANYWHERE) else ""
        return f"<ImageTable: {', '.join(parts)}{place}>"

    def _repr_html_(self) -> str:
        frame = self[:10].to_pandas()
        frame["sha256"] = frame["sha256"].str[:12]
        return f"<p>{html.escape(repr(self))}</p>{frame.to_html(index=False, escape=True, border=0)}"


def _json_of(columns: Sequence[Any]) -> Iterator[str]:
    """Yield the JSON of a list of columns, without spaces, block by block."""
    for number, column in enumerate(columns):
        yield ",[" if number else "[["
        for start in range(0, len(column), _BLOCK):
            block = list(column[start : start + _BLOCK].tolist())
            yield ("," if start else "") + json.dumps(block, separators=(",", ":"))[1:-1]
        yield "]"
    yield "]"


def _one_row(row: Any, count: int) -> int:
    """Check one row position."""
    if isinstance(row, bool) or not isinstance(row, (int, np.integer)):
        raise ArgumentTypeError(f"a row is a whole number, not {type(row).__name__}.")
    return int(_positions([row], count)[0])


def _positions(rows: Any, count: int) -> NDArray[np.int64]:
    """Check row positions or a boolean mask; negative positions count from the end."""
    try:
        values = np.asarray(rows)
    except ValueError:
        values = np.array(None)
    if values.size == 0 and values.dtype != bool:
        return np.empty(0, np.int64)
    if values.ndim != 1 or values.dtype.kind not in "biu":
        raise ArgumentTypeError(f"rows are chosen by whole numbers, a slice or a boolean mask, not {rows!r}.")
    if values.dtype == bool:
        if len(values) != count:
            raise ArgumentError(f"the mask has {len(values)} values for {count} rows.")
        return np.flatnonzero(values)
    if values.min() < -count or values.max() >= count:
        wrong = values[(values < -count) | (values >= count)][0]
        raise RowError(f"there is no row {wrong} in a table of {count} rows.")
    return np.where(values < 0, values + count, values).astype(np.int64)
