"""Current state of decisions: the last one about each thing, without actions that were undone."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select

from imgsim.decisions.events import Event
from imgsim.decisions.kinds import UNDO, Kind
from imgsim.decisions.tables import actions, events


def undone() -> Select[Any]:
    """Select the numbers of actions that do not count: those whose last undo or redo is an undo."""
    last = select(func.max(actions.c.number)).where(actions.c.target.is_not(None)).group_by(actions.c.target)
    return select(actions.c.target).where(actions.c.number.in_(last), actions.c.kind == UNDO)


def current(connection: Connection | None, kind: Kind) -> list[Event]:
    """Return the current decisions of a kind, in the order of pictures, other pictures and keys."""
    if connection is None:
        return []
    thing = (events.c.sha256, events.c.other, events.c.key)
    last = select(func.max(events.c.id)).where(events.c.kind == kind.value, counts()).group_by(*thing)
    rows = select(*thing, events.c.value, events.c.grouping).where(events.c.id.in_(last), events.c.value.is_not(None))
    found = (Event(kind, one, value, other, key, group) for one, other, key, value, group in connection.execute(rows))
    return sorted(found, key=lambda event: (event.sha256, event.other, event.key))


def deciders(connection: Connection | None, kind: Kind) -> dict[tuple[str, str, str], str]:
    """Return who took each current decision of a kind, by picture, other picture and key."""
    if connection is None:
        return {}
    thing = (events.c.sha256, events.c.other, events.c.key)
    last = select(func.max(events.c.id)).where(events.c.kind == kind.value, counts()).group_by(*thing)
    rows = select(*thing, actions.c.by).join(actions).where(events.c.id.in_(last), events.c.value.is_not(None))
    return {(one, other, key): by for one, other, key, by in connection.execute(rows)}


def counts() -> ColumnElement[bool]:
    """Return the condition that an event's action was not undone."""
    return events.c.action.not_in(undone())
