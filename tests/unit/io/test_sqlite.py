import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Barrier

import pytest

from imgsim.io.sqlite import use_write_ahead_log


def mode(path):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("PRAGMA journal_mode").fetchone()[0]


def test_many_may_open_a_new_database_at_once(tmp_path):
    together = Barrier(6)

    def open_new(path):
        with closing(sqlite3.connect(path, timeout=30)) as connection:
            together.wait()
            use_write_ahead_log(connection, 30)
            connection.execute("PRAGMA user_version")

    with ThreadPoolExecutor(6) as pool:
        for number in range(20):
            path = tmp_path / f"{number}.db"
            list(pool.map(open_new, [path] * 6))
            assert mode(path) == "wal"


def test_a_database_that_stays_locked_is_told_in_time(tmp_path):
    path = tmp_path / "a.db"
    with (
        closing(sqlite3.connect(path, isolation_level=None)) as other,
        closing(sqlite3.connect(path, timeout=0)) as mine,
    ):
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            use_write_ahead_log(mine, 0.05)
        other.execute("ROLLBACK")
        use_write_ahead_log(mine, 0)
    assert mode(path) == "wal"


def test_what_is_no_database_is_told(tmp_path):
    path = tmp_path / "a.db"
    path.write_bytes(b"no database, but long enough to be looked at" * 30)
    with closing(sqlite3.connect(path)) as connection, pytest.raises(sqlite3.DatabaseError, match="not a database"):
        use_write_ahead_log(connection, 5)
