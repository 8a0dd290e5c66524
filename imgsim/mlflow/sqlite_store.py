"""MLflow's sqlite database in the home: its address, its creation, and its addresses after the home was moved."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote, unquote
from urllib.request import url2pathname

from imgsim.io.home import home

PREFIX = "sqlite:///"
ARTIFACTS = "mlartifacts"
BACKUP = "mlflow.before-move.db"

_ADDRESSES = ("artifact_location", "artifact_uri", "source", "storage_location")  # columns, in several tables


def database() -> Path:
    """Return the path of the database in the home."""
    return home() / "mlflow.db"


def artifacts() -> Path:
    """Return the folder of artifacts in the home."""
    return home() / ARTIFACTS


def sqlite_uri(path: Path) -> str:
    """Return the address of a sqlite file for MLflow.

    SQLAlchemy 2.0 and 2.1 read ``%`` and ``?`` in a path differently; both pass on a file URI of sqlite unchanged.
    Its slashes are quoted, because MLflow would make folders of what it takes for a path.
    """
    if not re.search("[%?]", str(path)):
        return f"{PREFIX}{path}"
    from sqlalchemy import URL

    address = URL.create("sqlite", database=f"file:{quote(str(path), safe='')}", query={"uri": "true"})
    return address.render_as_string()


def sqlite_path(uri: str) -> Path | None:
    """Return the path of the file that a sqlite address names; None for other addresses."""
    if not uri.startswith(PREFIX):
        return None
    name = uri.removeprefix(PREFIX)
    if not re.search("[%?]", name):
        return Path(name)
    from sqlalchemy import make_url

    url = make_url(uri)
    name = url.database or ""
    return Path(unquote(name.removeprefix("file:")) if url.query.get("uri") and name.startswith("file:") else name)


def create_database(uri: str) -> None:
    """Let MLflow make its tables where a sqlite file is not there yet."""
    path = sqlite_path(uri)
    if path is not None and not path.exists():
        from mlflow import MlflowClient

        path.parent.mkdir(parents=True, exist_ok=True)
        MlflowClient(uri).search_experiments(max_results=1)


def vacuum(path: Path) -> bool:
    """Write a database anew, without what its free pages still hold of removed rows; False while another uses it."""
    with suppress(sqlite3.OperationalError), closing(sqlite3.connect(path, timeout=5, isolation_level=None)) as records:
        records.execute("VACUUM")
        records.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return True
    return False


def follow_move(path: Path) -> None:
    """Correct the addresses of artifacts in the home's database after the home was moved or copied.

    MLflow records absolute addresses. Those below another ``mlartifacts`` than the home's are rewritten in one
    transaction, where the home holds the recorded artifacts or none were recorded. The database as it was is kept
    as `BACKUP`.

    Parameters
    ----------
    path : Path
        A database; only that of the home is looked at.

    Raises
    ------
    sqlite3.Error
        It cannot be read or written.
    """
    if path != database():
        return
    with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as records:
        if not _moved(records):
            return
        with closing(sqlite3.connect(path.with_name(BACKUP))) as copy:
            records.backup(copy)
        records.execute("BEGIN IMMEDIATE")
        for old in _moved(records):  # again: another process may have been faster
            _rewrite(records, old, artifacts().as_uri())
        records.execute("COMMIT")


def _moved(records: sqlite3.Connection) -> list[str]:
    """List recorded addresses of experiments that were those of this home before it was moved."""
    if not records.execute("SELECT 1 FROM sqlite_master WHERE name = 'experiments'").fetchone():
        return []
    rows = records.execute("SELECT DISTINCT artifact_location FROM experiments").fetchall()
    return [str(old) for (old,) in rows if _is_elsewhere(str(old)) and _came_along(records, str(old))]


def _is_elsewhere(address: str) -> bool:
    if not address.startswith("file:///") or not address.endswith(f"/{ARTIFACTS}"):
        return False
    here, there = artifacts(), Path(url2pathname(address.removeprefix("file://")))
    return here != there and not (here.exists() and there.exists() and here.samefile(there))


def _came_along(records: sqlite3.Connection, old: str) -> bool:
    """Tell whether the home holds an artifact recorded below ``old``, or none was recorded."""
    found = records.execute(
        "SELECT artifact_uri FROM runs WHERE substr(artifact_uri, 1, ?) = ?", (len(old) + 1, f"{old}/")
    )
    names = [str(address)[len(old) + 1 :].split("/")[0] for (address,) in found]
    return not names or any((artifacts() / unquote(name)).exists() for name in names)


def _rewrite(records: sqlite3.Connection, old: str, new: str) -> None:
    columns = records.execute(
        "SELECT t.name, c.name FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table' "
        f"AND c.name IN ({', '.join('?' * len(_ADDRESSES))})",
        _ADDRESSES,
    ).fetchall()
    for table, column in columns:
        records.execute(
            f'UPDATE "{table}" SET "{column}" = ? || substr("{column}", ?) '
            f'WHERE "{column}" = ? OR substr("{column}", 1, ?) = ?',
            (new, len(old) + 1, old, len(old) + 1, f"{old}/"),
        )
