"""The basket of this browser: rows of a version that the user put aside, in the order they were chosen.

It is kept on the server by the cookie that `dashboards.app` gives every browser, so it survives a reload. Without a
cookie it lasts as long as the session.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import cast
from uuid import uuid4

import streamlit as st

from dashboards.services.models.loaded_model import Loaded
from dashboards.services.saved import baskets
from dashboards.services.saved.browser import COOKIE, is_browser

MOST = 10_000
"""Rows of a version that one basket holds; more are not taken."""
_BROWSER = "browser"


def _browser() -> str:
    """Return the name of this browser; one for the session where it has none."""
    name: object = st.context.cookies.get(COOKIE)
    return name if is_browser(name) else cast(str, st.session_state.setdefault(_BROWSER, uuid4().hex))


def rows(loaded: Loaded) -> tuple[int, ...]:
    """Return the rows of this version in the basket."""
    return tuple(row for row in rows_of(loaded.name, loaded.version) if row < len(loaded))


def versions() -> list[tuple[str, str]]:
    """List model and version of everything in the basket, in the order in which they came."""
    return baskets.places(_browser())


def rows_of(name: str, version: str) -> tuple[int, ...]:
    """Return the rows of a version in the basket, without opening it."""
    return tuple(baskets.rows(_browser(), name, version))


def toggle(loaded: Loaded, row: int) -> bool:
    """Put a row into the basket, or take it out; return whether it is in now."""
    if row in rows(loaded):
        _remove(loaded.name, loaded.version, [row])
        return False
    return add(loaded, [row]) == 1


def flip(loaded: Loaded, row: int) -> None:
    """Put a row into the basket, or take it out, and say so."""
    _say("Added to" if toggle(loaded, row) else "Removed from", loaded)


def change(loaded: Loaded, into: Sequence[int], out: Sequence[int]) -> None:
    """Put rows into the basket, take others out, and say so; nothing is said of rows that are so already."""
    there = set(rows(loaded))
    gone = [row for row in out if row in there]
    if gone:
        _remove(loaded.name, loaded.version, gone)
        _say(f"{len(gone):,} removed from", loaded)
    if not there.issuperset(into):
        add_all(loaded, into)


def add_all(loaded: Loaded, more: Sequence[int]) -> None:
    """Put rows into the basket, and say how many were new."""
    there = set(rows(loaded))
    missing = sum(row not in there for row in more)
    new = add(loaded, more)
    _say(f"{new:,} added to" if new == missing else f"Only {new:,} of {missing:,} fitted into", loaded)


def _say(what: str, loaded: Loaded) -> None:
    st.toast(f"{what} the basket: {len(rows(loaded)):,} now.", icon=":material/shopping_basket:")


def add(loaded: Loaded, more: Iterable[int]) -> int:
    """Put rows into the basket; return how many were new."""
    wanted = [row for row in map(int, more) if 0 <= row < len(loaded)]
    try:
        return len(baskets.add(_browser(), loaded.name, loaded.version, wanted, MOST))
    except (sqlite3.Error, OSError):
        _fail()
        return 0


def put_back(name: str, version: str, kept: Sequence[int]) -> None:
    """Put rows of a version into the basket again, as `rows_of` returned them, before those that came since."""
    since = rows_of(name, version)
    try:
        baskets.remove(_browser(), name, version)
        baskets.add(_browser(), name, version, [*kept, *since], MOST)
    except (sqlite3.Error, OSError):
        _fail()


def clear(name: str, version: str) -> None:
    """Empty the basket of a version."""
    _remove(name, version, None)


def _remove(name: str, version: str, gone: Sequence[int] | None) -> None:
    try:
        baskets.remove(_browser(), name, version, gone)
    except (sqlite3.Error, OSError):
        _fail()


def _fail() -> None:
    st.toast("The basket cannot be changed: this server's working store cannot be written.", icon=":material/error:")
