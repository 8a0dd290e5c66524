"""Groups of copies: each is kept or spared by a click or a key, and whole groups by a button."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

import pandas as pd
import streamlit as st

from dashboards.services.format import counted, size_of, visible
from dashboards.services.models.loaded_model import Loaded
from dashboards.services.thumbnails import thumbnail_url
from dashboards.widgets.component import component
from dashboards.widgets.gallery import parse_rows

Act = Literal["accept", "keep_all", "different", "copies"]
"""Decisions about a group: as it is shown, keep all, these are no copies of each other, or they are."""

TILES = 24
"""Pictures of a group that are shown."""
KEY = "copies"
_component = component(__file__)


@dataclass(frozen=True)
class Choices:
    """Decisions of a person about copies: rows to keep, and rows to spare."""

    keep: tuple[int, ...]
    spare: tuple[int, ...]


@dataclass(frozen=True)
class OfGroup:
    """A decision about the group whose first row this is."""

    act: Act
    row: int


def copies(
    loaded: Loaded,
    groups: Sequence[pd.DataFrame],
    acts: Sequence[Act],
    *,
    choose: Callable[[Choices], None],
    decide: Callable[[OfGroup], None],
) -> int | None:
    """Show groups.

    Parameters
    ----------
    loaded : Loaded
    groups : sequence of DataFrame
        The rows of each group, as `dashboards.services.tidy.duplicate_groups.group_table`.
    acts : sequence of str
        Decisions that are offered about a whole group.
    choose, decide : callable
        Called with decisions of the user before the page runs.

    Returns
    -------
    int or None
        Row of the image whose details are asked for.
    """
    rows = {int(row) for group in groups for row in group["row"].head(TILES)}
    firsts = {int(group["row"].iloc[0]) for group in groups}

    def chosen() -> None:
        choices = parse_choices(_sent().get("choices"), rows)
        if choices is not None:
            choose(choices)

    def decided() -> None:
        found = parse_group(_sent().get("group"), acts, firsts)
        if found is not None:
            decide(found)

    result = _component(
        key=KEY,
        data=described(loaded, groups, acts),
        on_choices_change=chosen,
        on_group_change=decided,
        on_details_change=_nothing,
    )
    asked = result.details
    return asked if type(asked) is int and asked in rows else None


def _nothing() -> None:
    """Stand for a callback: an event without one is not reported."""


def _sent() -> dict[str, Any]:
    return cast(dict[str, Any], st.session_state[KEY])


def parse_choices(value: object, rows: Collection[int]) -> Choices | None:
    """Return what the browser sent as decisions about rows that are shown; None if there is none."""
    if not isinstance(value, dict):
        return None
    most = max(rows, default=-1) + 1
    keep, spare = (tuple(row for row in parse_rows(value.get(name), most) if row in rows) for name in ("keep", "spare"))
    return Choices(keep, spare) if (keep or spare) and not set(keep) & set(spare) else None


def parse_group(value: object, acts: Sequence[Act], firsts: Collection[int]) -> OfGroup | None:
    """Return what the browser sent as a decision about a group that is shown; else None."""
    if not isinstance(value, dict):
        return None
    act, row = value.get("act"), value.get("row")
    if act not in get_args(Act) or act not in acts or type(row) is not int or row not in firsts:
        return None
    return OfGroup(cast(Act, act), row)


def described(loaded: Loaded, groups: Sequence[pd.DataFrame], acts: Sequence[Act]) -> dict[str, Any]:
    """Return the data for the browser: ``CopiesData`` in ``copies.js``."""
    return {"groups": [_group(loaded, group) for group in groups], "acts": list(acts)}


def _group(loaded: Loaded, group: pd.DataFrame) -> dict[str, Any]:
    more = f", the first {TILES} shown" if len(group) > TILES else ""
    spare = size_of(group.loc[~group["keep"].to_numpy(bool), "bytes"].sum())
    return {
        "row": int(group["row"].iloc[0]),
        "words": f"{counted(len(group), 'copy', 'copies')}{more}, {spare} can go",
        "more": int(group["keep"].iloc[TILES:].sum()),
        "copies": [_copy(loaded, item) for item in group.head(TILES).itertuples()],
    }


def _copy(loaded: Loaded, item: Any) -> dict[str, Any]:
    return {
        "row": int(item.row),
        "src": thumbnail_url(loaded, int(item.row)),
        "title": visible(item.path),
        "facts": f"{item.width:,} × {item.height:,}, {size_of(item.bytes)}",
        "reason": visible(item.reason),
        "keep": bool(item.keep),
        "decided": bool(item.decided),
    }
