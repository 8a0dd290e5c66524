"""Events: what an action decides, as rows to store, and their storage and removal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import combinations
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, or_, select

from imgsim.decisions.arguments import ordered, pictures
from imgsim.decisions.kinds import MARKS, NOT_DUPLICATES, Kind
from imgsim.decisions.tables import actions, events
from imgsim.errors import ArgumentError

MOST_PAIRS = 100_000
"""Pairs that one mark may make: those of 447 pictures."""
_AT_ONCE = 10_000


class Event(NamedTuple):
    """A decision to store: its kind, the picture or pair, and the value; None takes an earlier one back."""

    kind: Kind
    sha256: str
    value: str | None
    other: str = ""
    key: str = ""
    grouping: str | None = None


def marked(sha256s: str | Iterable[str], mark: str, value: str | None, group: str | None = None) -> list[Event]:
    """Return the events of a mark: of each picture, or of each pair of pictures that are not duplicates.

    Raises
    ------
    ArgumentError, ArgumentTypeError
        No sha256; a single picture that is no duplicate; more than `MOST_PAIRS`.
    """
    found = pictures(sha256s)
    if mark != NOT_DUPLICATES:
        return [Event(MARKS[mark], one, value, grouping=group) for one in found]
    count = len(found) * (len(found) - 1) // 2
    if not count:
        raise ArgumentError("pictures that are not duplicates are at least two of different content.")
    if count > MOST_PAIRS:
        raise ArgumentError(f"{len(found):,} pictures make {count:,} pairs, more than {MOST_PAIRS:,}: mark fewer.")
    return [
        Event(Kind.DUPLICATES, one, value, other) for one, other in (ordered(*two) for two in combinations(found, 2))
    ]


def add_action(
    connection: Connection,
    kind: str,
    by: str,
    rows: Sequence[Event] = (),
    *,
    version: str | None = None,
    target: int | None = None,
) -> int:
    """Add an action with its events, and return its number."""
    head = {"time": datetime.now(UTC).replace(tzinfo=None), "by": by, "version": version, "kind": kind}
    added = connection.execute(actions.insert().values(**head, target=target)).inserted_primary_key
    assert added is not None
    number = int(added[0])
    if rows:
        columns = [row._asdict() | {"kind": row.kind.value, "action": number} for row in rows]
        connection.execute(events.insert(), columns)
    return number


def has_events(connection: Connection, sha256s: Sequence[str]) -> bool:
    """Tell whether anything was ever decided about one of these pictures."""
    return any(
        connection.execute(select(events.c.id).where(part).limit(1)).first() is not None for part in _about(sha256s)
    )


def remove_events(connection: Connection, sha256s: Sequence[str]) -> int:
    """Remove all events about these pictures, and return how many there were; SQLite overwrites what they were."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete = ON")
    return sum(connection.execute(events.delete().where(part)).rowcount for part in _about(sha256s))


def _about(sha256s: Sequence[str]) -> Iterator[ColumnElement[bool]]:
    for start in range(0, len(sha256s), _AT_ONCE):
        part = sha256s[start : start + _AT_ONCE]
        yield or_(events.c.sha256.in_(part), events.c.other.in_(part))
