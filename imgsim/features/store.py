"""Features and thumbnails kept by content hash, so that no picture is computed twice.

    <root>/features/<backbone fingerprint>/*.parquet   sha256, feature
    <root>/thumbnails/*.parquet                        sha256, thumbnail
    <root>/undecodable/<decoder versions>/*.parquet    sha256, reason
    <root>/backbones/<backbone fingerprint>/           backbone.onnx, spec.json

Parts are only ever added, whole or not at all, so a killed run loses nothing stored, and runs may share a
store: a folder of one machine, or a bucket of a team. What happens to be stored twice is read once.
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

_KEYS: dict[str, pa.Array] = {}
"""Key columns of parts that this process has read: they never change, and take 70 bytes an image."""


class ContentTable:
    """Append-only Parquet parts in one folder, each row keyed by the sha256 of a file's bytes."""

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
        # JPEGs and floats hardly shrink: 0.1 ms an image
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
        """Which keys are stored, and their values in the keys' order (None when none is).

        Parts without a wanted key are not read beyond their key column, and that once in a process.
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
        if where not in _KEYS:
            _KEYS[where] = self._column(name, "sha256").combine_chunks()
        return _KEYS[where]

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
    """(len(wanted),) position of each distinct key among all that is stored, where it comes first; -1 for none."""
    first = np.full(len(wanted), -1, np.int64)
    if not stored:
        return first
    place = pa.compute.index_in(pa.chunked_array(stored), value_set=wanted).to_numpy()
    rows = np.flatnonzero(~np.isnan(place))[::-1]
    first[place[rows].astype(np.int64)] = rows
    return first


class FeatureStore:
    """The store of one machine or team.

    Parameters
    ----------
    root : path or str, optional
        A folder, or the URL of a place in an object store (``s3://bucket/store``); default ``$IMGSIM_STORE``,
        else ``store`` in `imgsim.io.home.home`.
    storage_options : mapping, optional
        Of fsspec, for a URL.
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
        """The table in the folder ``below`` the root."""
        return ContentTable(self._parts(below), value)

    def _parts(self, below: str) -> Parts:
        if isinstance(self.root, Path):
            return LocalParts(self.root / below)
        return RemoteParts(join(self.root, below), self._options)

    def features(self, fingerprint: str) -> ContentTable:
        """Raw features of one backbone."""
        return self.table(f"features/{fingerprint}", "feature")

    @property
    def thumbnails(self) -> ContentTable:
        """JPEG thumbnails."""
        return self.table("thumbnails", "thumbnail")

    @property
    def undecodable(self) -> ContentTable:
        """Reasons why bytes could not be decoded, by these versions of the decoders."""
        versions = f"pillow-{version('pillow')}-simplejpeg-{version('simplejpeg')}"
        return self.table(f"undecodable/{versions}", "reason")

    def backbone_folder(self, fingerprint: str) -> Path:
        """Where the ONNX form of a backbone lies on this machine."""
        local = self.root if isinstance(self.root, Path) else home() / "store"
        return local / "backbones" / fingerprint

    def share(self, fingerprint: str, name: str) -> None:
        """Put a file of a backbone's folder where `fetch` of another machine finds it."""
        parts = self._parts(f"backbones/{fingerprint}")
        if isinstance(parts, RemoteParts):
            with _explained(parts.where(name)):
                if name not in parts.names():
                    parts.write(name, (self.backbone_folder(fingerprint) / name).read_bytes())

    def fetch(self, fingerprint: str, name: str) -> Path:
        """A file of a backbone's folder on this machine, copied there where only the store has it."""
        path, parts = self.backbone_folder(fingerprint) / name, self._parts(f"backbones/{fingerprint}")
        if isinstance(parts, RemoteParts) and not path.exists():
            with _explained(parts.where(name)), atomic_path(path) as temporary:
                temporary.write_bytes(parts.read(name).getvalue())
        return path

    def read_features(self, fingerprint: str, keys: Sequence[str]) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
        """Mask (len(keys),) of what is stored and its features (sum of mask, D) float32, in order."""
        found, column = self.features(fingerprint).find(keys)
        if column is None:
            return found, np.empty((0, 0), np.float32)
        return found, arrow.matrix(column)

    def read_thumbnails(self, keys: Sequence[str]) -> list[bytes | None]:
        """The stored thumbnail of each key, or None."""
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
        """Store results by sha256: features last, so that a stored feature always has its thumbnail."""
        self.thumbnails.append(_table(thumbnails, schema.THUMBNAILS))
        self.undecodable.append(_table(undecodable, schema.UNDECODABLE))
        if features:
            matrix = np.stack(list(features.values()))
            keys = pa.array(list(features), pa.string())
            table = pa.table([keys, arrow.fixed_size_list(matrix)], schema=schema.features(matrix.shape[1]))
            self.features(fingerprint).append(table)


@contextmanager
def _explained(where: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(f"the network at {where} cannot be exchanged with the feature store: {error}.") from error


def _table(rows: dict[str, Any], target: pa.Schema) -> pa.Table:
    return pa.table([pa.array(list(rows)), pa.array(list(rows.values()))] if rows else [[], []], schema=target)
