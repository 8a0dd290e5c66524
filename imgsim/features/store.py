"""Feature store: features, thumbnails and decoding errors by sha256 of the file, so that none is computed twice.

    <root>/features/<backbone fingerprint>/<part>.parquet   sha256, feature
    <root>/thumbnails/<part>.parquet                        sha256, thumbnail
    <root>/undecodable/<part>.parquet                       sha256, reason
    <root>/traits/<version>/<part>.parquet                  sha256, traits
    <root>/backbones/<backbone fingerprint>/                backbone.onnx, spec.json

Tables (`imgsim.features.content.table`) grow by parts, each added atomically and never changed, and small parts are
merged. So a killed run loses nothing stored, and several runs may share a store, a folder of one machine or a bucket of
a team. Rows that two runs stored are read once.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from imgsim import arguments
from imgsim.errors import StoreError
from imgsim.features.content.table import ContentTable
from imgsim.io import arrow
from imgsim.io.atomic import atomic_path
from imgsim.io.home import home
from imgsim.io.object_store import LocalParts, Parts, RemoteParts
from imgsim.io.paths import absolute
from imgsim.io.urls import is_url, join, open_url


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
        if root is not None:
            arguments.path(root, "root")
        given = root if root is not None else os.environ.get("IMGSIM_STORE") or home() / "store"
        if str(given).startswith(("file://", "local://")):
            given = open_url(str(given))[1]
        self.root: Path | str = str(given).rstrip("/") if is_url(str(given)) else absolute(given)
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
        """Table of reasons why files could not be decoded."""
        return self.table("undecodable", "reason")

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
                if name not in parts.sizes():
                    parts.upload(name, self.backbone_folder(fingerprint) / name)

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
                temporary.write_bytes(parts.read_bytes(name))
        return path

    def read_features(self, fingerprint: str, keys: Sequence[str]) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
        """Look up features by sha256.

        Returns
        -------
        found : (len(keys),) bool
        features : (sum of found, D) float32
        """
        found, blocks = self.features(fingerprint).read(keys)
        if not blocks:
            return found, np.empty((0, 0), np.float32)
        matrix = np.empty((int(found.sum()), blocks[0][1].type.list_size), np.float32)
        for positions, values in blocks:
            matrix[positions] = arrow.matrix(pa.chunked_array([values]))
        return found, matrix

    def read_thumbnails(self, keys: Sequence[str]) -> list[bytes | None]:
        """Look up thumbnails (JPEG) by sha256; None for a key that is not stored."""
        found, blocks = self.thumbnails.read(keys)
        stored: list[bytes | None] = [None] * len(keys)
        place = np.flatnonzero(found)
        for positions, values in blocks:
            for position, data in zip(place[positions].tolist(), values.to_pylist(), strict=True):
                stored[position] = data
        return stored

    def contains(self, fingerprint: str, keys: Sequence[str]) -> NDArray[np.bool_]:
        """Tell which files have both their feature and their thumbnail here, (len(keys),) bool."""
        stored = self.features(fingerprint).contains(keys)
        with_feature = np.flatnonzero(stored)
        stored[with_feature] = self.thumbnails.contains([keys[i] for i in with_feature.tolist()])
        return stored

    def write(
        self,
        fingerprint: str,
        features: Mapping[str, NDArray[np.float32]],
        thumbnails: Mapping[str, bytes],
        undecodable: Mapping[str, str],
        formats: Mapping[str, str],
    ) -> None:
        """Store results by sha256; features last, so that a stored feature has its thumbnail.

        Parameters
        ----------
        formats : mapping of str to str
            Format of each file, as in `imgsim.schema.IMAGES`.

        Raises
        ------
        StoreError
            The store cannot be written.
        """

        def add(table: ContentTable, rows: Mapping[str, Any], values: pa.Array) -> None:
            table.append(list(rows), values, [formats.get(key, "") for key in rows])

        if thumbnails:
            add(self.thumbnails, thumbnails, pa.array(list(thumbnails.values()), pa.binary()))
        if undecodable:
            add(self.undecodable, undecodable, pa.array(list(undecodable.values()), pa.string()))
        if features:
            add(self.features(fingerprint), features, arrow.fixed_size_list(np.stack(list(features.values()))))

    def forget(self, keys: Collection[str]) -> int:
        """Remove what is stored of these files (sha256); return the number of thumbnails among it.

        Raises
        ------
        StoreError
            The store cannot be read or written.
        """
        for name, table in self.tables().items():
            if name != "thumbnails":
                table.remove(keys)
        return self.thumbnails.remove(keys)

    def tables(self) -> dict[str, ContentTable]:
        """Return all tables by folder below the root, those of networks and traits that are not used any more too.

        Raises
        ------
        StoreError
            The store cannot be listed.
        """
        found = {"thumbnails": self.thumbnails, "undecodable": self.undecodable}
        for below, value in (("features", "feature"), ("traits", "traits")):
            for name in self.table(below, value).sizes():
                found[f"{below}/{name}"] = self.table(f"{below}/{name}", value)
        return found

    def tidy(self, fingerprint: str) -> None:
        """Merge parts if many small ones have gathered, or those of an earlier version of imgsim; errors are ignored.

        Called at the end of an extraction. `ContentTable.compact` merges all, and tells errors.
        """
        for table in (self.features(fingerprint), self.thumbnails, self.undecodable):
            with suppress(StoreError):  # everything is stored, and can be read
                table.tidy()


@contextmanager
def _as_store_error(where: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(f"the network at {where} cannot be exchanged with the feature store: {error}.") from error
