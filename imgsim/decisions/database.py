"""Database of decisions: transactions that read, and transactions that write one after the other.

SQLite works with a write-ahead log: readers do not wait for a writer. PostgreSQL's writers wait for each other by an
advisory lock, so that numbers follow the order in which actions become visible.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from imgsim.decisions import tables
from imgsim.decisions.address import VARIABLE, Address
from imgsim.errors import DecisionsError
from imgsim.io.error_text import explain
from imgsim.io.sqlite import use_write_ahead_log

PATIENCE = 15.0
"""Seconds to wait for others that write, and for a server to answer."""
_LOCK = 0x696D6773_696D6465  # one number for all writers of a PostgreSQL database


class Database:
    """A database by its address, opened when it is needed; a file is made by the first transaction that writes.

    Parameters
    ----------
    address : Address
    """

    def __init__(self, address: Address) -> None:
        self.address = address
        self._prepared = False

    @contextmanager
    def reading(self) -> Iterator[Connection | None]:
        """Open a transaction that reads; None where nothing was ever decided.

        Raises
        ------
        DecisionsError
            The database cannot be read.
        """
        with self._understood():
            if not self._is_ready():
                yield None
                return
            with self._engine.connect() as connection, connection.begin():
                yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that writes; another writer is waited for.

        Raises
        ------
        DecisionsError
            The database cannot be written.
        """
        with self._understood():
            if self.address.file is not None and not self.address.file.exists():
                _make_file(self.address.file)
            with self._engine.connect().execution_options(writes=True) as connection, connection.begin():
                if connection.dialect.name == "postgresql":
                    connection.execute(text(f"SET LOCAL lock_timeout = '{int(PATIENCE * 1000)}ms'"))
                    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
                tables.prepare(connection)
                yield connection
            self._prepared = True

    def checkpoint(self) -> None:
        """Empty SQLite's write-ahead log, which may hold removed rows; readers may delay that to the next time."""
        if self.address.file is not None:
            with self._understood(), closing(_connect(self.address.file)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close all connections; the next transaction opens new ones."""
        self._engine.dispose()

    def _is_ready(self) -> bool:
        """Tell whether there are tables to read; those of an earlier version are brought up to date first."""
        if self.address.file is not None and not self.address.file.exists():
            return False
        if not self._prepared:
            with self._engine.connect() as connection, connection.begin():
                found = tables.found_version(connection)
            if found is None:
                return False
            tables.check_version(found)
            if found < tables.VERSION:
                with self.writing():
                    pass
            self._prepared = True
        return True

    @cached_property
    def _engine(self) -> Engine:
        if self.address.url is not None:
            return create_engine(
                self.address.url, pool_pre_ping=True, connect_args={"connect_timeout": max(2, int(PATIENCE))}
            )
        file = self.address.file
        assert file is not None
        engine = create_engine("sqlite://", creator=lambda: _connect(file), poolclass=NullPool)
        event.listen(engine, "begin", _begin)
        return engine

    @contextmanager
    def _understood(self) -> Iterator[None]:
        """Turn errors of the database into a `DecisionsError` that names it, and says what to do."""
        file = self.address.file
        try:
            if file is not None and file.is_dir():
                raise tables.UnusableError(f"it is a folder: set {VARIABLE} to a file, or to an address of PostgreSQL")
            yield
        except tables.UnusableError as error:
            raise DecisionsError(f"the decisions in {self.address.shown} cannot be used: {error}.") from None
        except (SQLAlchemyError, sqlite3.Error, OSError) as error:
            reason = _reason(error)
            message = f"the decisions in {self.address.shown} cannot be used: {reason}. {_remedy(reason, file)}"
            raise DecisionsError(message) from (None if self.address.url is not None else error)


def _make_file(path: Path) -> None:
    """Make an empty database with a write-ahead log."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)) as made:
        use_write_ahead_log(made, PATIENCE)


def _connect(path: Path) -> sqlite3.Connection:
    """Open a file that is there: one that was removed in the meantime is not made again by a reader."""
    address = f"file:{quote(str(path))}?mode=rw"
    return sqlite3.connect(address, timeout=PATIENCE, isolation_level=None, check_same_thread=False, uri=True)


def _begin(connection: Connection) -> None:
    """Begin as SQLite should, which Python's own module does not do before it reads."""
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _reason(error: Exception) -> str:
    cause = error.orig if isinstance(error, DBAPIError) and isinstance(error.orig, Exception) else error
    return explain(cause)


def _remedy(reason: str, file: Path | None) -> str:
    if file is None:
        if "lock timeout" in reason:
            return "Another program has been writing for long: try again, or end it."
        return f"Start the server, or check the address in {VARIABLE}: user, password, host and name of the database."
    if "locked" in reason:
        return "Another program has been writing for long: try again, or end it."
    if "not a database" in reason or "malformed" in reason:
        return f"Move that file away or restore it from a backup, or set {VARIABLE} to another path."
    return f"See that the file and its folder can be written and that the disk has space, or set {VARIABLE} to another."
