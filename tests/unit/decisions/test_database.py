"""The database of decisions: addresses, versions of its tables, and what can go wrong."""

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from imgsim.decisions import database, open_decisions, tables
from imgsim.errors import ArgumentError, DecisionsError
from tests.unit.decisions.sha import A, B

NOBODY = 65534


def test_the_default_is_the_home_and_a_variable_names_another(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    assert open_decisions().url == str(home / "decisions.db")
    monkeypatch.setenv("IMGSIM_DECISIONS", f"sqlite:///{tmp_path}/a b?.db")
    open_decisions().set_label(A, "tree")
    assert [path.name for path in tmp_path.iterdir()] == ["a b?.db"]
    assert open_decisions(tmp_path / "a b?.db").labels() == {A: "tree"}


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://eva:s3cret@db.example/team", "postgresql://***@db.example/team"),
        ("postgres://eva:s3%2Fcret@db.example:5432/team", "postgres://***@db.example:5432/team"),
        ("postgresql+psycopg2://eva:s3cret@db.example/team", "postgresql+psycopg2://***@db.example/team"),
        ("postgresql:///team", "postgresql:///team"),
    ],
)
def test_no_address_shows_its_password(address: str, shown: str):
    pytest.importorskip("psycopg2")
    store = open_decisions(address)
    assert store.url == shown
    assert "s3" not in repr(store)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("mysql://eva:s3cret@db/team", r"mysql://\*\*\*@db/team is no address of a store of decisions"),
        ("https://db.example", "no address of a store"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("postgresql://eva:s3cret@db:port/team", r"postgresql://\*\*\*@db:port/team cannot be read"),
    ],
)
def test_other_addresses(address: str, words: str):
    with pytest.raises(ArgumentError, match=words) as caught:
        open_decisions(address)
    assert "s3cret" not in str(caught.value)


def test_tables_of_a_newer_version_are_left_alone(tmp_path: Path):
    path = tmp_path / "decisions.db"
    open_decisions(path).set_label(A, "tree")
    with closing(sqlite3.connect(path)) as records, records:
        records.execute("UPDATE decision_schema SET version = ?", (tables.VERSION + 1,))
    for use in (lambda store: store.labels(), lambda store: store.set_label(A, "bush")):
        with pytest.raises(
            DecisionsError, match=rf"{path} cannot be used: its tables have format {tables.VERSION + 1}.*newer"
        ):
            use(open_decisions(path))
    with closing(sqlite3.connect(path)) as records:
        assert records.execute("SELECT value FROM decision_events").fetchall() == [("tree",)]


@pytest.mark.parametrize("reads", [True, False])
def test_tables_of_an_earlier_version_are_brought_up_to_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reads: bool
):
    path = tmp_path / "decisions.db"
    open_decisions(path).set_label(A, "tree")
    adds = {tables.VERSION: lambda connection: connection.execute(text("ALTER TABLE decision_actions ADD place TEXT"))}
    monkeypatch.setattr(tables, "VERSION", tables.VERSION + 1)
    monkeypatch.setattr(tables, "UPGRADES", adds)
    store = open_decisions(path)
    if not reads:
        store.set_label(B, "bush")
    assert store.labels() == ({A: "tree"} if reads else {A: "tree", B: "bush"})
    with closing(sqlite3.connect(path)) as records:
        assert records.execute("SELECT version FROM decision_schema").fetchall() == [(tables.VERSION,)]
        assert records.execute("SELECT place FROM decision_actions").fetchall() == [(None,)] * (1 if reads else 2)
    assert open_decisions(path).labels()[A] == "tree", "and once only"


def test_an_upgrade_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "decisions.db"
    open_decisions(path).set_label(A, "tree")

    def fails(connection):
        connection.execute(text("ALTER TABLE decision_actions ADD place TEXT"))
        connection.execute(text("ALTER TABLE no_such_table ADD place TEXT"))

    with monkeypatch.context() as newer:
        newer.setattr(tables, "UPGRADES", {tables.VERSION: fails})
        newer.setattr(tables, "VERSION", tables.VERSION + 1)
        with pytest.raises(DecisionsError, match="no such table"):
            open_decisions(path).labels()
    with closing(sqlite3.connect(path)) as records:
        assert "place" not in {row[1] for row in records.execute("PRAGMA table_info(decision_actions)")}
    assert open_decisions(path).labels() == {A: "tree"}


def both_fail(path: Path, words: str) -> None:
    store = open_decisions(path)
    for use in (store.labels, lambda: store.set_label(A, "tree")):
        with pytest.raises(DecisionsError, match=words) as caught:
            use()
        assert str(path) in str(caught.value)


def test_a_folder(tmp_path: Path):
    both_fail(tmp_path, "it is a folder: set IMGSIM_DECISIONS to a file")


def test_a_file_that_is_no_database(tmp_path: Path):
    path = tmp_path / "decisions.db"
    path.write_bytes(b"no database, however long this may be" * 100)
    both_fail(path, "file is not a database. Move that file away")
    assert path.read_bytes().startswith(b"no database")


def test_a_database_of_something_else_gets_its_own_tables(tmp_path: Path):
    path = tmp_path / "notes.db"
    with closing(sqlite3.connect(path)) as records, records:
        records.execute("CREATE TABLE notes (text TEXT)")
    store = open_decisions(path)
    assert store.labels() == {}
    store.set_label(A, "tree")
    assert store.labels() == {A: "tree"}


def test_a_file_below_a_file(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DecisionsError, match="See that the file and its folder can be written"):
        open_decisions(tmp_path / "file" / "decisions.db").set_label(A, "tree")


def test_a_lock_that_another_holds_for_longer_than_one_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "decisions.db"
    store = open_decisions(path)
    store.set_label(A, "tree")
    monkeypatch.setattr(database, "PATIENCE", 0.05)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DecisionsError, match=r"database is locked\. Another program has been writing for long"):
            store.set_label(A, "bush")
        assert store.labels() == {A: "tree"}, "readers do not wait"
        other.execute("ROLLBACK")
    store.set_label(A, "bush")
    assert store.labels() == {A: "bush"}


@pytest.fixture
def as_nobody() -> Iterator[Path]:
    """A folder that this user may read and not write, with a database in it; access rights do not bind root."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        open_decisions(folder / "decisions.db").set_label(A, "tree")
        (folder / "decisions.db").chmod(0o444)
        folder.chmod(0o555)
        user = os.geteuid()
        if user == 0:
            os.seteuid(NOBODY)
        try:
            yield folder
        finally:
            os.seteuid(user)
            folder.chmod(0o755)


def test_a_file_that_cannot_be_written(as_nobody: Path):
    with pytest.raises(DecisionsError, match="See that the file and its folder can be written") as caught:
        open_decisions(as_nobody / "decisions.db").set_label(A, "bush")
    assert str(as_nobody / "decisions.db") in str(caught.value)
    with pytest.raises(DecisionsError, match="See that the file and its folder can be written"):
        open_decisions(as_nobody / "other.db").set_label(A, "bush")


def test_a_server_that_is_not_there():
    pytest.importorskip("psycopg2")
    store = open_decisions("postgresql://eva:s3cret@127.0.0.1:9/team")
    for use in (store.labels, lambda: store.set_label(A, "tree")):
        with pytest.raises(
            DecisionsError, match="Start the server, or check the address in IMGSIM_DECISIONS"
        ) as caught:
            use()
        assert "postgresql://***@127.0.0.1:9/team" in str(caught.value)
        assert "s3cret" not in str(caught.value)
        assert caught.value.__cause__ is None
