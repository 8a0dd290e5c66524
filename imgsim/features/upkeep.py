"""Upkeep of a feature store: what its tables hold, merging of small parts, and removal of what nobody reads."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from imgsim.errors import ArgumentError, StoreError
from imgsim.features.content.names import parse
from imgsim.features.store import FeatureStore
from imgsim.io.atomic import DAMAGED, remove, stale
from imgsim.io.error_text import explain
from imgsim.io.hashing import files_below


@dataclass(frozen=True)
class TableStats:
    """Facts about one table; a row that stands in two parts counts twice."""

    table: str
    rows: int
    bytes: int
    parts: int
    unused_bytes: int
    unused_files: int


def measure_store(store: FeatureStore) -> list[TableStats]:
    """Count what each table holds, and what of it is not read: damaged parts, and those of other decoding versions.

    Raises
    ------
    StoreError
        The store cannot be listed.
    """
    found = []
    for below, table in sorted(store.tables().items()):
        sizes = table.sizes()
        read = [name for name in map(parse, sizes) if name and name.current]
        unused = [name for name in sizes if is_unused(name)]
        figures = TableStats(
            table=below,
            rows=table.rows(),
            bytes=sum(sizes[name.name] for name in read),
            parts=len(read),
            unused_bytes=sum(sizes[name] for name in unused),
            unused_files=len(unused),
        )
        if figures.parts or figures.unused_files:
            found.append(figures)
    return found


def compact(store: FeatureStore) -> int:
    """Merge the small parts of all tables; return how many were merged.

    Raises
    ------
    StoreError
        The store cannot be read or written.
    """
    return sum(table.compact() for table in store.tables().values())


def collect_garbage(store: FeatureStore, drop: Collection[str] = (), *, dry_run: bool = False) -> dict[str, int]:
    """Remove parts that are not read, and whole tables; return the bytes of each file by its path below the root.

    So is what killed processes left half-written in the store's folders more than a day ago.

    Parameters
    ----------
    drop : collection of str
        Tables to remove, as `measure_store` names them, such as those of networks that are no longer used.
    dry_run : bool
        Only tell what would be removed.

    Raises
    ------
    ArgumentError
        There is no such table.
    StoreError
        The store cannot be listed, or a file cannot be removed.
    """
    tables = store.tables()
    if unknown := sorted(set(drop) - set(tables)):
        raise ArgumentError(f"{store.root} has no table {unknown[0]!r}. There are: {', '.join(sorted(tables))}.")
    removed = {}
    for below, table in sorted(tables.items()):
        for name, size in table.sizes().items():
            if is_unused(name) or (below in drop and parse(name)):
                removed[f"{below}/{name}"] = size
                if not dry_run:
                    table.unlink(name)
    for path in _left(store, tables):
        removed[path.relative_to(store.root).as_posix()] = _bytes(path)
        if not dry_run:
            try:
                remove(path)
            except OSError as error:
                raise StoreError(f"{path}, left by a killed process, cannot be removed: {explain(error)}.") from error
    return removed


def _left(store: FeatureStore, tables: Collection[str]) -> list[Path]:
    """List what killed processes left on this machine; behind a URL a file appears whole or not at all."""
    if not isinstance(store.root, Path):
        return []
    return [path for below in (*sorted(tables), "backbones") for path in stale(store.root / below)]


def _bytes(path: Path) -> int:
    files = [path / name for name in files_below(path)] if path.is_dir() else [path]
    return sum(file.lstat().st_size for file in files)


def is_unused(name: str) -> bool:
    """Tell if a file is a part that is not read: a damaged one, or of another decoding version."""
    part = parse(name)
    return name.endswith(DAMAGED) if part is None else not part.current
