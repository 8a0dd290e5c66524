"""Insight: tables and metrics about a collection, with the parameters they depend on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from imgsim.errors import ModelFormatError
from imgsim.io import arrow
from imgsim.io.atomic import atomic_path
from imgsim.io.held_file import HeldFile
from imgsim.io.untrusted import read_json

if TYPE_CHECKING:
    import pandas as pd

FACTS = "insight.json"
Tables = Mapping[str, pa.Schema]
"""Schemas of an insight's tables, by name."""


@dataclass(frozen=True)
class Insight:
    """One insight by name.

    ``schemas`` are the columns of each table; ``tables`` are the tables; ``metrics`` are numbers to compare between
    versions; ``params`` are the parameters they depend on, JSON-ready.
    """

    name: str
    schemas: Tables
    tables: Mapping[str, pd.DataFrame]
    metrics: Mapping[str, float] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def digest(self) -> str:
        """Hexadecimal sha256 of all content."""
        if isinstance(self.tables, SavedTables):
            return self.tables.digest
        content = hashlib.sha256(json.dumps(self._facts(), sort_keys=True).encode())
        for name in sorted(self.tables):
            content.update(f"{name} {_table_digest(self.schemas[name], self.tables[name])}".encode())
        return content.hexdigest()

    def save(self, folder: Path) -> None:
        """Write one Parquet file per table, and the rest as ``insight.json``, into ``folder``."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, schema in self.schemas.items():
            table = pa.Table.from_pandas(self.tables[name], schema=schema, preserve_index=False)
            arrow.write_parquet(table.replace_schema_metadata(None), folder / f"{name}.parquet")
        with atomic_path(folder / FACTS) as path:
            path.write_text(json.dumps(self._facts() | {"digest": self.digest}, indent=1) + "\n")

    @classmethod
    def load(cls, folder: Path, name: str, schemas: Tables) -> Insight:
        """Read what `save` wrote; each table is read on first use.

        Parameters
        ----------
        folder : Path
        name : str
            Expected name.
        schemas : mapping of str to pyarrow.Schema
            Expected tables and their columns.

        Raises
        ------
        ModelFormatError
            A file is missing or damaged, or its columns are others.
        """
        try:
            facts = read_json(folder / FACTS)
            if facts["name"] != name:
                raise ModelFormatError(
                    f"{folder} holds the insight {facts['name']!r:.80}, not {name!r}. Compute it again."
                )
            missing = [table for table in schemas if not (folder / f"{table}.parquet").is_file()]
            if missing:
                raise ModelFormatError(f"{folder} lacks the tables {missing}. Compute the insight again.")
            files = {table: HeldFile(folder / f"{table}.parquet") for table in schemas}
            tables = SavedTables(files, schemas, str(facts["digest"]))
            metrics = {str(metric): float(value) for metric, value in facts["metrics"].items()}
            return cls(name, schemas, tables, metrics, dict(facts["params"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            raise ModelFormatError(f"{folder} is not a saved insight: {error!r}. Compute it again.") from error

    def _facts(self) -> dict[str, Any]:
        metrics = {key: round(float(value), 6) for key, value in self.metrics.items()}
        return {"name": self.name, "metrics": metrics, "params": dict(self.params)}


class SavedTables(Mapping[str, "pd.DataFrame"]):
    """Tables of a saved insight, each read on first use: most runs use none. Their files are held open."""

    def __init__(self, files: Mapping[str, HeldFile], schemas: Tables, digest: str) -> None:
        self.digest = digest
        self._files, self._schemas = files, schemas
        self._read: dict[str, pd.DataFrame] = {}

    def __getitem__(self, name: str) -> pd.DataFrame:
        if name not in self._read:
            self._read[name] = arrow.read_parquet(self._files[name], self._schemas[name]).to_pandas()
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._schemas)

    def __len__(self) -> int:
        return len(self._schemas)


def frame(schema: pa.Schema, columns: Mapping[str, Any] | pd.DataFrame) -> pd.DataFrame:
    """Return a DataFrame with exactly the columns and types of ``schema``, also when it is empty."""
    arrays = [pa.array(columns[name], schema.field(name).type, from_pandas=True) for name in schema.names]
    return pa.table(arrays, schema=schema).to_pandas()


def _table_digest(schema: pa.Schema, table: pd.DataFrame) -> str:
    """Return the sha256 of a table's columns, types and values."""
    import pandas as pd

    content = hashlib.sha256(json.dumps([[item.name, str(item.type)] for item in schema]).encode())
    content.update(pd.util.hash_pandas_object(frame(schema, table), index=False).to_numpy().tobytes())
    return content.hexdigest()
