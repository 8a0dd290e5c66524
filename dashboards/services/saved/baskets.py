"""Baskets: rows of registered versions, which never change, that a browser put aside; in the order they came."""

from __future__ import annotations

from collections.abc import Sequence

from dashboards.services.saved.database import reading, writing


def places(browser: str) -> list[tuple[str, str]]:
    """List model and version of everything in a browser's basket, in the order in which they came."""
    with reading() as connection:
        if connection is None:
            return []
        found = connection.execute(
            "SELECT model, version FROM baskets WHERE browser = ? GROUP BY model, version ORDER BY min(place)",
            (browser,),
        )
        return [(str(model), str(version)) for model, version in found]


def rows(browser: str, model: str, version: str) -> list[int]:
    """Return the rows of a version in a browser's basket."""
    with reading() as connection:
        if connection is None:
            return []
        found = connection.execute(
            "SELECT row FROM baskets WHERE browser = ? AND model = ? AND version = ? ORDER BY place",
            (browser, model, version),
        )
        return [int(row) for (row,) in found]


def add(browser: str, model: str, version: str, new: Sequence[int], most: int) -> list[int]:
    """Put rows into a basket, as long as it holds fewer than ``most``; return those that came in."""
    with writing() as connection:
        where = (browser, model, version)
        found = "SELECT row FROM baskets WHERE browser = ? AND model = ? AND version = ?"
        there = {int(row) for (row,) in connection.execute(found, where)}
        taken = [row for row in dict.fromkeys(new) if row not in there][: max(most - len(there), 0)]
        last = connection.execute("SELECT coalesce(max(place), 0) FROM baskets WHERE browser = ?", (browser,))
        start = int(last.fetchone()[0]) + 1
        connection.executemany(
            "INSERT INTO baskets (browser, model, version, place, row) VALUES (?, ?, ?, ?, ?)",
            [(*where, place, row) for place, row in enumerate(taken, start)],
        )
    return taken


def remove(browser: str, model: str, version: str, gone: Sequence[int] | None = None) -> None:
    """Take rows out of a basket; None: all of them."""
    with writing() as connection:
        where = "DELETE FROM baskets WHERE browser = ? AND model = ? AND version = ?"
        if gone is None:
            connection.execute(where, (browser, model, version))
        else:
            connection.executemany(where + " AND row = ?", [(browser, model, version, row) for row in gone])
