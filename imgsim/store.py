"""Features and thumbnails kept by content hash, so that no picture is computed twice.

    <root>/features/<backbone fingerprint>/*.parquet   sha256, feature
    <root>/thumbnails/*.parquet                        sha256, thumbnail
    <root>/undecodable/<decoder versions>/*.parquet    sha256, reason
    <root>/backbones/<backbone fingerprint>/           backbone.onnx, spec.json

Parts are only ever added, each written beside and renamed, so a killed run loses nothing stored, and
runs may share a store. What happens to be stored twice is read once.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from imgsim import arrow, schema
from imgsim.atomic import sweep
from imgsim.errors import StoreError
from imgsim.home import home


class ContentTable:
    """Append-only Parquet parts in one folder, each row keyed by the sha256 of a file's bytes."""

    def __init__(self, folder: Path, value: str) -> None:
        self.folder = folder
        self._value = value

    def append(self, table: pa.Table) -> None:
        """Store rows of ``sha256`` and the value column as one new part.

        Raises
        ------
        StoreError
            The part cannot be written (disk full, read-only).
        """
        if not len(table):
            return
        path = self.folder / f"{uuid.uuid4().hex}.parquet"
        try:
            arrow.write_parquet(table, path, compression="none")  # JPEGs and floats hardly shrink: 0.1 ms an image
            sweep(self.folder)
        except OSError as error:
            raise StoreError(
                f"cannot write to the feature store at {self.folder}: {error}. Free space there or set IMGSIM_HOME "
                "to another disk and run again: what is stored already is kept."
            ) from error

    def find(self, keys: Sequence[str]) -> tuple[NDArray[np.bool_], pa.ChunkedArray | None]:
        """Which keys are stored, and their values in the keys' order (None when none is).

        Parts without a wanted key are not read beyond their key column.
        """
        wanted = pa.array(keys, pa.string())
        source = np.full(len(keys), -1, np.int64)
        values: list[pa.ChunkedArray] = []
        offset = 0
        for part in sorted(self.folder.glob("[!.]*.parquet")):  # hidden ones are being written, or were when killed
            stored = self._column(part, "sha256")
            rows = pa.compute.index_in(wanted, value_set=stored).to_numpy(zero_copy_only=False)
            new = np.flatnonzero(~np.isnan(rows.astype(float)) & (source < 0))
            if len(new):
                picked = self._column(part, self._value).take(pa.array(rows[new].astype(np.int64)))
                values.append(picked)
                source[new] = offset + np.arange(len(new))
                offset += len(new)
        found = source >= 0
        if not values:
            return found, None
        joined = pa.chunked_array([chunk for column in values for chunk in column.chunks])
        return found, joined.take(pa.array(source[found]))

    def _column(self, part: Path, name: str) -> pa.ChunkedArray:
        try:
            return pq.read_table(part, columns=[name], partitioning=None, page_checksum_verification=True).column(name)
        except (OSError, KeyError, pa.ArrowInvalid) as error:
            raise StoreError(
                f"the stored part {part} cannot be read: {error}. Delete this one file: what it held is computed again."
            ) from error


class FeatureStore:
    """The store of one machine or team; ``root`` defaults to ``store`` in `imgsim.home.home`."""

    def __init__(self, root: str | Path | None = None) -> None:
        self.root = Path(root).expanduser().absolute() if root is not None else home() / "store"

    def __repr__(self) -> str:
        return f"FeatureStore({str(self.root)!r})"

    def features(self, fingerprint: str) -> ContentTable:
        """Raw features of one backbone."""
        return ContentTable(self.root / "features" / fingerprint, "feature")

    @property
    def thumbnails(self) -> ContentTable:
        """JPEG thumbnails."""
        return ContentTable(self.root / "thumbnails", "thumbnail")

    @property
    def undecodable(self) -> ContentTable:
        """Reasons why bytes could not be decoded, by these versions of the decoders."""
        versions = f"pillow-{version('pillow')}-simplejpeg-{version('simplejpeg')}"
        return ContentTable(self.root / "undecodable" / versions, "reason")

    def backbone_folder(self, fingerprint: str) -> Path:
        """Where the ONNX form of a backbone lies."""
        return self.root / "backbones" / fingerprint

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


def _table(rows: dict[str, Any], target: pa.Schema) -> pa.Table:
    return pa.table([pa.array(list(rows)), pa.array(list(rows.values()))] if rows else [[], []], schema=target)
