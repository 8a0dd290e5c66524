"""Feature store: features, thumbnails and decoding errors by sha256 of the file, so that none is computed twice.

    <root>/features/<backbone fingerprint>/*.parquet   sha256, feature
    <root>/thumbnails/*.parquet                        sha256, thumbnail
    <root>/undecodable/<decoder versions>/*.parquet    sha256, reason
    <root>/backbones/<backbone fingerprint>/           backbone.onnx, spec.json

Tables are append-only: each write adds a Parquet file (part) atomically. So a killed run loses nothing stored, and
several runs may share a store, a folder of one machine or a bucket of a team. Rows that two runs stored are read once.
"""

from __future__ import annotations

import io
import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from imgsim import schema
from imgsim.errors import StoreError
from imgsim.io import arrow
from imgsim.io.atomic import atomic_path
from imgsim.io.home import home
from imgsim.io.object_store import LocalParts, Parts, RemoteParts
from imgsim.io.urls import is_url, join, open_url

_SHA256_COLUMNS: dict[str, pa.Array] = {}
"""Column ``sha256`` of the parts that this process has read, by path; parts never change. 70 bytes an image."""


class ContentTable:
    """Append-only table of Parquet parts in one folder: ``sha256`` of a file's bytes, and one column of values."""

    def __init__(self, parts: Parts, value: str) -> None:
        self.parts = parts
        self._value = value

    def append(self, table: pa.Table) -> None:
        """Store rows of ``sha256`` and the value column as one new part.

        Raises
        ------
        StoreError
            The part cannot be written (disk full, read-only, no access).
        """
        if not len(table):
            return
        data = io.BytesIO()
        # no compression: JPEGs and floats hardly shrink, and it takes 0.1 ms an image
        pq.write_table(table, data, compression="none", write_page_checksum=True)
        name = f"{uuid.uuid4().hex}.parquet"
        try:
            self.parts.write(name, data.getvalue())
        except OSError as error:
            raise StoreError(
                f"cannot write to the feature store at {self.parts.where(name)}: {error}. Free space there, or set "
                "IMGSIM_HOME or IMGSIM_STORE to another place, and run again: what is stored already is kept."
            ) from error

    def find(self, keys: Sequence[str]) -> tuple[NDArray[np.bool_], pa.ChunkedArray | None]:
        """Look up values by sha256.

        Of parts without a wanted key only the column ``sha256`` is read, once per process.

        Returns
        -------
        found : (len(keys),) bool
        values : pyarrow.ChunkedArray or None
            Values of the keys found, in order; None if there is none.

        Raises
        ------
        StoreError
            The store cannot be listed, or a part is damaged.
        """
        wanted = pa.array(keys, pa.string()).dictionary_encode()
        names = [name for name in self._names() if name.endswith(".parquet")]
        with ThreadPoolExecutor(self.parts.threads) as pool:
            stored = list(pool.map(self._keys, names))
            starts = np.cumsum([0, *map(len, stored)])
            source = _first_row(stored, wanted.dictionary)[wanted.indices.to_numpy()]
            found = source >= 0
            rows = np.unique(source[found])
            if not len(rows):
                return found, None
            of_part = np.searchsorted(starts, rows, "right") - 1
            picked = [(names[part], rows[of_part == part] - starts[part]) for part in np.unique(of_part)]
            values = list(pool.map(lambda pick: self._column(pick[0], self._value).take(pa.array(pick[1])), picked))
        joined = pa.chunked_array([chunk for column in values for chunk in column.chunks])
        return found, joined.take(pa.array(np.searchsorted(rows, source[found])))

    def _names(self) -> list[str]:
        try:
            return self.parts.names()
        except OSError as error:
            raise StoreError(f"the feature store at {self.parts.where('')} cannot be listed: {error}.") from error

    def _keys(self, name: str) -> pa.Array:
        where = self.parts.where(name)
        if where not in _SHA256_COLUMNS:
            _SHA256_COLUMNS[where] = self._column(name, "sha256").combine_chunks()
        return _SHA256_COLUMNS[where]

    def _column(self, name: str, column: str) -> pa.ChunkedArray:
        try:
            part = self.parts.read(name)
            return pq.read_table(part, columns=[column], partitioning=None, page_checksum_verification=True)[column]
        except (OSError, KeyError, pa.ArrowInvalid) as error:
            raise StoreError(
                f"the stored part {self.parts.where(name)} cannot be read: {error}. "
                "Delete this one file: what it held is computed again."
            ) from error


def _first_row(stored: Sequence[pa.Array], wanted: pa.Array) -> NDArray[np.int64]:
    """Find the first position of each distinct key among all stored keys, (len(wanted),) int64; -1 if it has none."""
    first = np.full(len(wanted), -1, np.int64)
    if not stored:
        return first
    place = pa.compute.index_in(pa.chunked_array(stored), value_set=wanted).to_numpy()
    rows = np.flatnonzero(~np.isnan(place))[::-1]
    first[place[rows].astype(np.int64)] = rows
    return first


class FeatureStore:
    """Store of features and thumbnails of one machine or team.

    Parameters
    ----------
    root : path or str, optional
        A folder, or a URL in an object store (``s3://bucket/store``); default ``$IMGSIM_STORE``,
        else ``store`` in `imgsim.io.home.home`.
    storage_options : mapping, optional
        fsspec options for a URL.
    """

    def __init__(self, root: str | Path | None = None, storage_options: Mapping[str, Any] | None = None) -> None:
        given = root if root is not None else os.environ.get("IMGSIM_STORE") or home() / "store"
        if str(given).startswith(("file://", "local://")):
            given = open_url(str(given))[1]
        self.root: Path | str = str(given).rstrip("/") if is_url(str(given)) else Path(given).expanduser().absolute()
        self._options = storage_options

    def __repr__(self) -> str:
        return f"FeatureStore({str(self.root)!r})"

    def table(self, below: str, value: str) -> ContentTable:
        """Return the table in the folder ``below`` the root, with this column of values."""
        return ContentTable(self._parts(below), value)

    def _parts(self, below: str) -> Parts:
        if isinstance(self.root, Path):
            return LocalParts(self.root / below)
        return RemoteParts(join(self.root, below), self._options)

    def features(self, fingerprint: str) -> ContentTable:
        """Return the table of raw features of one backbone."""
        return self.table(f"features/{fingerprint}", "feature")

    @property
    def thumbnails(self) -> ContentTable:
        """Table of JPEG thumbnails."""
        return self.table("thumbnails", "thumbnail")

    @property
    def undecodable(self) -> ContentTable:
        """Table of reasons why files could not be decoded, by the installed versions of the decoders."""
        versions = f"pillow-{version('pillow')}-simplejpeg-{version('simplejpeg')}"
        return self.table(f"undecodable/{versions}", "reason")

    def backbone_folder(self, fingerprint: str) -> Path:
        """Return the folder of a backbone's ONNX form on this machine."""
        local = self.root if isinstance(self.root, Path) else home() / "store"
        return local / "backbones" / fingerprint

    def share(self, fingerprint: str, name: str) -> None:
        """Upload a file of a backbone's folder, so that `fetch` finds it on another machine.

        Raises
        ------
        StoreError
            The object store cannot be written.
        """
        parts = self._parts(f"backbones/{fingerprint}")
        if isinstance(parts, RemoteParts):
            with _as_store_error(parts.where(name)):
                if name not in parts.names():
                    parts.write(name, (self.backbone_folder(fingerprint) / name).read_bytes())

    def fetch(self, fingerprint: str, name: str) -> Path:
        """Return a file of a backbone's folder on this machine, downloaded if only the object store has it.

        Raises
        ------
        StoreError
            The object store cannot be read.
        """
        path, parts = self.backbone_folder(fingerprint) / name, self._parts(f"backbones/{fingerprint}")
        if isinstance(parts, RemoteParts) and not path.exists():
            with _as_store_error(parts.where(name)), atomic_path(path) as temporary:
                temporary.write_bytes(parts.read(name).getvalue())
        return path

    def read_features(self, fingerprint: str, keys: Sequence[str]) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
        """Look up features by sha256.

        Returns
        -------
        found : (len(keys),) bool
        features : (sum of found, D) float32
        """
        found, column = self.features(fingerprint).find(keys)
        if column is None:
            return found, np.empty((0, 0), np.float32)
        return found, arrow.matrix(column)

    def read_thumbnails(self, keys: Sequence[str]) -> list[bytes | None]:
        """Look up thumbnails (JPEG) by sha256; None for a key that is not stored."""
        found, column = self.thumbnails.find(keys)
        values: list[Any] = [] if column is None else column.to_pylist()
        stored = iter(values)
        return [next(stored) if there else None for there in found]

    def write(
        self,
        fingerprint: str,
        features: dict[str, NDArray[np.float32]],
        thumbnails: dict[str, bytes],
        undecodable: dict[str, str],
    ) -> None:
        """Store results by sha256; features last, so that a stored feature always has its thumbnail.

        Raises
        ------
        StoreError
            The store cannot be written.
        """
        self.thumbnails.append(_table(thumbnails, schema.THUMBNAILS))
        self.undecodable.append(_table(undecodable, schema.UNDECODABLE))
        if features:
            matrix = np.stack(list(features.values()))
            keys = pa.array(list(features), pa.string())
            table = pa.table([keys, arrow.fixed_size_list(matrix)], schema=schema.features(matrix.shape[1]))
            self.features(fingerprint).append(table)


@contextmanager
def _as_store_error(where: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(f"the network at {where} cannot be exchanged with the feature store: {error}.") from error


def _table(rows: dict[str, Any], target: pa.Schema) -> pa.Table:
    return pa.table([pa.array(list(rows)), pa.array(list(rows.values()))] if rows else [[], []], schema=target)
