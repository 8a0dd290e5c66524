"""Addresses of a store of decisions: a SQLite file or a PostgreSQL database."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from imgsim.distribution import install_command
from imgsim.errors import ArgumentError, MissingExtraError
from imgsim.io.error_text import hide_passwords
from imgsim.io.home import home
from imgsim.io.paths import absolute

if TYPE_CHECKING:
    from sqlalchemy import URL

VARIABLE = "IMGSIM_DECISIONS"
FILE = "decisions.db"
_DRIVERS = ("psycopg2", "psycopg")


@dataclass(frozen=True)
class Address:
    """Address of a store: ``file`` for SQLite, else ``url`` for PostgreSQL; ``shown`` holds no password."""

    shown: str
    file: Path | None = None
    url: URL | None = None


def read_address(url: str | Path | None = None) -> Address:
    """Understand an address of a store; nothing is opened.

    Parameters
    ----------
    url : str or Path, optional
        ``postgresql://USER:PASSWORD@HOST/DATABASE``, ``sqlite:///PATH``, or the path of a SQLite file. Default:
        ``$IMGSIM_DECISIONS``, else ``decisions.db`` in `imgsim.io.home.home`.

    Raises
    ------
    ArgumentError
        An address of something else, or one that cannot be read.
    MissingExtraError
        PostgreSQL's driver is not installed.
    """
    text = str(url if url is not None else os.environ.get(VARIABLE) or home() / FILE)
    if "://" not in text:
        return _of_file(absolute(text))
    kind = text.partition("://")[0].partition("+")[0]
    if kind == "sqlite":
        return _of_sqlite(text)
    if kind in ("postgresql", "postgres"):
        return _of_postgresql(text)
    raise ArgumentError(
        f"{hide_passwords(text)} is no address of a store of decisions: set {VARIABLE} to postgresql://HOST/DATABASE, "
        "or to the path of a file."
    )


def _of_file(path: Path) -> Address:
    return Address(str(path), file=path)


def _of_sqlite(text: str) -> Address:
    path = text.partition("://")[2].removeprefix("/")
    if not path or path == ":memory:":
        raise ArgumentError(f"{text} names no file: write sqlite:////FOLDER/{FILE}, or the path alone.")
    return _of_file(absolute(path))


def _of_postgresql(text: str) -> Address:
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError as UnreadableError

    try:
        url = make_url(text)
    except (UnreadableError, ValueError):
        raise ArgumentError(
            f"{hide_passwords(text)} cannot be read as an address; special characters of user and password are written "
            "as %2F, %40, ..."
        ) from None
    if "+" not in url.drivername:  # the default differs between SQLAlchemy 2.0 and 2.1
        url = url.set(drivername=f"postgresql+{_driver()}")
    return Address(hide_passwords(text), url=url)


def _driver() -> str:
    for name in _DRIVERS:
        if find_spec(name) is not None:
            return name
    raise MissingExtraError(f"decisions in PostgreSQL need the package {_DRIVERS[0]}: {install_command('team')}.")
