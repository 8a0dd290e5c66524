"""Current state of decisions: the last one about each thing, without actions that were undone."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, select

from imgsim.decisions.events import Event
from imgsim.decisions.kinds import UNDO, Kind
from imgsim.decisions.tables import actions, events

_THING = (events.c.sha256, events.c.other, events.c.key)


def undone() -> Select[Any]:
    """Select the numbers of actions that do not count: those whose last undo or redo is an undo."""
    last = select(func.max(actions.c.number)).where(actions.c.target.is_not(None)).group_by(actions.c.target)
    return select(actions.c.target).where(actions.c.number.in_(last), actions.c.kind == UNDO)


def current(connection: Connection | None, kind: Kind) -> list[Event]:
    """Return the current decisions of a kind, in the order of pictures, other pictures and keys."""
    if connection is None:
        return []
    rows = select(*_THING, events.c.value, events.c.grouping).where(_holds(kind))
    found = (Event(kind, one, value, other, key, group) for one, other, key, value, group in connection.execute(rows))
    return sorted(found, key=lambda event: (event.sha256, event.other, event.key))


def deciders(connection: Connection | None, kind: Kind) -> dict[tuple[str, str, str], str]:
    """Return who took each current decision of a kind, by picture, other picture and key."""
    if connection is None:
        return {}
    rows = select(*_THING, actions.c.by).join(actions).where(_holds(kind))
    return {(one, other, key): by for one, other, key, by in connection.execute(rows)}


def tagged(connection: Connection | None) -> dict[str, list[str]]:
    """Return the sha256 of the pictures of each tag, in the order in which they got it; tags are sorted."""
    found: dict[str, list[str]] = defaultdict(list)
    if connection is not None:
        for tag, one in connection.execute(
            select(events.c.key, events.c.sha256).where(_holds(Kind.TAG)).order_by(events.c.id)
        ):
            found[tag].append(one)
    return dict(sorted(found.items()))


def _holds(kind: Kind) -> ColumnElement[bool]:
    """Return the condition that an event is the current decision of a kind about its thing."""
    last = select(func.max(events.c.id)).where(events.c.kind == kind.value, counts()).group_by(*_THING)
    return and_(events.c.id.in_(last), events.c.value.is_not(None))


def counts() -> ColumnElement[bool]:
    """Return the condition that an event's action was not undone."""
    return events.c.action.not_in(undone())
