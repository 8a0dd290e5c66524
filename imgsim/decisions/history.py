"""History of actions: list them, and find the one that an undo is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, Select, Text, case, cast, func, select

from imgsim.decisions.current import undone
from imgsim.decisions.kinds import FORGET, REDO, UNDO, Kind
from imgsim.decisions.tables import actions, events
from imgsim.errors import ArgumentError

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("action", "time", "by", "version", "kind", "value", "pictures", "undone")


@dataclass(frozen=True)
class Undone:
    """An undo or redo: the ``target`` action, its ``kind``, and ``done``, which is ``"undo"`` or ``"redo"``.

    ``action`` is the number of the undo itself.
    """

    target: int
    kind: str
    done: str
    action: int = 0


def find_target(connection: Connection, number: int | None, by: str) -> Undone:
    """Find what an undo of action ``number`` is about; of None: the last action of a person that counts.

    Raises
    ------
    ArgumentError
        There is none, or it was undone or redone before.
    """
    if number is None:
        return _last_of(connection, by)
    found = _action(connection, number)
    if found.kind == FORGET:
        raise ArgumentError(f"action {number} removed pictures for good: it cannot be undone.")
    if found.kind == UNDO:
        if not _is_undone(connection, found.target):
            raise ArgumentError(f"action {number} was an undo, and what it had undone counts again already.")
        return Undone(found.target, _action(connection, found.target).kind, REDO)
    target = found.target if found.kind == REDO else number
    if _is_undone(connection, target):
        raise ArgumentError(f"action {target} is undone already.")
    return Undone(target, _action(connection, target).kind, UNDO)


def newest(connection: Connection | None) -> int:
    """Return the number of the newest action; 0 if there is none."""
    return 0 if connection is None else connection.execute(select(func.max(actions.c.number))).scalar() or 0


def history(connection: Connection | None, limit: int | None) -> pd.DataFrame:
    """Return the last actions, newest first, with the columns `COLUMNS`."""
    import pandas as pd

    rows = [] if connection is None else connection.execute(_listed(limit)).all()
    frame = pd.DataFrame([tuple(row) for row in rows], columns=list(COLUMNS), dtype=object)
    types = {"action": int, "pictures": int, "undone": bool}
    return frame.assign(time=pd.to_datetime(frame["time"], utc=True)).astype(types)


def _listed(limit: int | None) -> Select[Any]:
    shown = select(actions).order_by(actions.c.number.desc()).limit(limit).subquery()
    low, high = func.min(_value()), func.max(_value())
    about = (
        select(events.c.action, func.count().label("pictures"), case((low == high, low)).label("value"))
        .where(events.c.action.in_(select(shown.c.number)))
        .group_by(events.c.action)
        .subquery()
    )
    return (
        select(
            shown.c.number,
            shown.c.time,
            shown.c.by,
            shown.c.version,
            shown.c.kind,
            func.coalesce(about.c.value, cast(shown.c.target, Text)),
            func.coalesce(about.c.pictures, 0),
            shown.c.number.in_(undone()),
        )
        .join(about, about.c.action == shown.c.number, isouter=True)
        .order_by(shown.c.number.desc())
    )


def _value() -> Any:
    """Return what an event says: its tag, else its value."""
    return case((events.c.kind == Kind.TAG.value, events.c.key), else_=events.c.value)


def _last_of(connection: Connection, by: str) -> Undone:
    mine = (actions.c.by == by, actions.c.kind.not_in((UNDO, REDO, FORGET)), actions.c.number.not_in(undone()))
    found = connection.execute(select(actions).where(*mine).order_by(actions.c.number.desc()).limit(1)).first()
    if found is None:
        raise ArgumentError(f"there is nothing to undo: {by} has decided nothing that still counts.")
    return Undone(found.number, found.kind, UNDO)


def _action(connection: Connection, number: int) -> Row[Any]:
    found = connection.execute(select(actions).where(actions.c.number == number)).first()
    if found is None:
        raise ArgumentError(f"there is no action {number}; see the history.")
    return found


def _is_undone(connection: Connection, number: int) -> bool:
    return connection.execute(undone().where(actions.c.target == number)).first() is not None
