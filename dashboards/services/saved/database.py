"""The database of what the dashboard saves: ``dashboard.db`` in the home, made by the first thing that is saved."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from imgsim.io.home import home

PATIENCE = 15.0
"""Seconds to wait for another writer."""
_TABLES = (
    "CREATE TABLE IF NOT EXISTS baskets (browser TEXT, model TEXT, version TEXT, place INTEGER, row INTEGER, "
    "PRIMARY KEY (browser, model, version, row)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS views (name TEXT PRIMARY KEY, page TEXT NOT NULL, query TEXT NOT NULL)",
)


def path() -> Path:
    """Return where the database is, or will be."""
    return home() / "dashboard.db"


@contextmanager
def reading() -> Iterator[sqlite3.Connection | None]:
    """Open the database to read; None where nothing was saved yet, or it cannot be read."""
    if not path().exists():
        yield None
        return
    with closing(sqlite3.connect(path(), timeout=PATIENCE)) as connection:
        yield connection if _has_tables(connection) else None


@contextmanager
def writing() -> Iterator[sqlite3.Connection]:
    """Open the database to write, after other writers; all that is written comes together or not at all.

    Raises
    ------
    sqlite3.Error, OSError
        It cannot be written.
    """
    path().parent.mkdir(parents=True, exist_ok=True)
    if not path().exists():
        os.close(os.open(path(), os.O_CREAT | os.O_RDWR, 0o600))  # baskets are of people
    with closing(sqlite3.connect(path(), timeout=PATIENCE, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        for table in _TABLES:
            connection.execute(table)
        yield connection
        connection.execute("COMMIT")


def _has_tables(connection: sqlite3.Connection) -> bool:
    try:
        found = connection.execute("SELECT count(*) FROM sqlite_master WHERE name IN ('baskets', 'views')").fetchone()
    except sqlite3.Error:
        return False
    return int(found[0]) == len(_TABLES)
