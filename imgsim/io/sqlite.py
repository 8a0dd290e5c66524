"""SQLite databases that several processes use at once."""

from __future__ import annotations

import sqlite3
import time

_PAUSE = 0.01  # seconds between tries


def use_write_ahead_log(connection: sqlite3.Connection, patience: float) -> None:
    """Switch a database to a write-ahead log, which lets readers and a writer work at once.

    SQLite does not wait for other connections here, whatever the connection's timeout is: of several processes that
    open a new database at once, some are told that it is locked.

    Parameters
    ----------
    connection : sqlite3.Connection
    patience : float
        Seconds to try.

    Raises
    ------
    sqlite3.Error
        It is locked for longer, or is no database.
    """
    end = time.monotonic() + patience
    while True:
        try:
            if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
        time.sleep(_PAUSE)
