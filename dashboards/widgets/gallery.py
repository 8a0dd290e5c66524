"""A grid of thumbnails with actions: one component for the whole grid, used by every page.

The browser fetches each picture by its URL when it scrolls into view. Names and labels are sent as data and shown as
text. An action of the user comes back as an `Action`.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast, get_args

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboards import session
from dashboards.services.decided import Decided
from dashboards.services.format import visible
from dashboards.services.models.loaded_model import Loaded
from dashboards.services.thumbnails import thumbnail_url
from dashboards.widgets import basket_state
from dashboards.widgets.component import component
from dashboards.widgets.decisions.known import known

Kind = Literal["query", "more", "less", "details", "basket", "walk"]
Size = Literal["small", "medium", "large"]

MOST = 200
"""The largest number of tiles in one gallery; a page that has more shows them in pages."""
_WANTED = "all-of-gallery"
_component = component(__file__)


@dataclass(frozen=True)
class Tile:
    """One picture of a gallery, with the text around it.

    Parameters
    ----------
    row : int
        Row of the image in its model.
    title : str
        Its path.
    label : str, optional
        Its class.
    rank : int, optional
        Its place in an answer, from 1.
    distance : float, optional
        Its distance from the query.
    meaning : str
        Of the distance, in words.
    same : bool, optional
        Whether it has the query's label; None where there is nothing to compare.
    duplicate : str, optional
        Kind of duplicate that it is, for example ``"same picture"``.
    keep : bool
        It is the one to keep of its group of duplicates.
    note : str
        A short text below the picture.
    in_basket : bool
        Mark it as in the basket. Images in the session's basket are marked in any case.
    """

    row: int
    title: str
    label: str | None
    rank: int | None = None
    distance: float | None = None
    same: bool | None = None
    duplicate: str | None = None
    keep: bool = False
    note: str = ""
    in_basket: bool = False
    meaning: str = ""


@dataclass(frozen=True)
class Action:
    """An action of the user on the picture of a row; ``among`` are the rows that it was shown with, in order."""

    kind: Kind
    row: int
    among: tuple[int, ...] = ()


def tile(loaded: Loaded, row: int, **more: Any) -> Tile:
    """Return the tile of a row: its path and label, and ``more`` fields of `Tile`."""
    images = loaded.model.images
    return Tile(int(row), images.paths[row], images.labels[row], **more)


def gallery(
    loaded: Loaded,
    tiles: Sequence[Tile],
    *,
    key: str,
    actions: Sequence[Kind] = ("query", "more", "less", "details", "basket"),
    size: Size = "medium",
    label: str = "Pictures",
    before: Mapping[Kind, Callable[[int], None]] | None = None,
    among: Sequence[int] | NDArray[np.integer] | None = None,
    query: int | None = None,
    selecting: bool = True,
) -> Action | None:
    """Show tiles and return the user's latest action.

    ``"basket"`` is done here, before the page runs, and not returned: the whole page then shows the new basket.
    Pictures of the opened version can be selected; the bar of `dashboards.widgets.decisions.bulk_bar` acts on them.

    Parameters
    ----------
    loaded : Loaded
        Model that the tiles' rows belong to.
    tiles : sequence of Tile
        At most `MOST` are shown.
    key : str
        Unique on the page.
    actions : sequence of str
        Buttons of each tile. A click on the picture, and Enter, mean the first.
    size : str
        Size of the tiles: small, medium or large.
    label : str
        Name of the gallery for screen readers.
    before : mapping of str to callable, optional
        Actions that are done at once: called with the row before the page runs, and not returned.
    among : sequence of int, optional
        All rows of the list of which this is a part, which Ctrl+A selects; by default those that are shown.
    query : int, optional
        Row of the stored picture that the tiles are the answer to; they can be marked as alike to it or not.
    selecting : bool
        False where pictures are not selected.

    Returns
    -------
    Action or None
        None when the user did nothing since the last run of the page.
    """
    shown = tiles[:MOST]
    rows = tuple(tile.row for tile in shown)
    result = _component(
        key=key,
        data=_data(loaded, shown, actions, size, label, query) | _list(loaded, key, rows, among, selecting),
        on_action_change=_early(loaded, key, actions, before or {}),
        on_basket_change=_basket(loaded, key),
        on_all_change=lambda: st.session_state.update({_WANTED: key}),
    )
    action = parse(result.action, actions, rows)
    return None if action is None or action.kind in (before or {}) else replace(action, among=rows)


def _basket(loaded: Loaded, key: str) -> Callable[[], None]:
    """Return a callback that puts rows into the basket, or takes them out, before the page runs."""

    def act() -> None:
        sent = cast(dict[str, Any], st.session_state[key]).get("basket")
        if isinstance(sent, dict):
            into, out = (parse_rows(sent.get(name), len(loaded)) for name in ("into", "out"))
            basket_state.change(loaded, into, out)

    return act


def parse_rows(value: object, count: int) -> list[int]:
    """Return what the browser sent as rows of a model with ``count`` images, each once; what is none is left out."""
    sent = value if isinstance(value, list) else []
    return [row for row in dict.fromkeys(item for item in sent if type(item) is int) if 0 <= row < count]


def parse(value: object, actions: Sequence[Kind], rows: Container[int]) -> Action | None:
    """Return what the browser sent as an action: one that was offered, on a row that is shown; else None."""
    if not isinstance(value, dict):
        return None
    kind, row = value.get("kind"), value.get("row")
    if kind not in get_args(Kind) or kind not in actions or type(row) is not int or row not in rows:
        return None
    return Action(cast(Kind, kind), row)


def _data(
    loaded: Loaded, tiles: Sequence[Tile], actions: Sequence[Kind], size: Size, label: str, query: int | None = None
) -> dict[str, Any]:
    chosen, decided = set(basket_state.rows(loaded)), known(loaded)
    return {
        "tiles": [
            _described(loaded, tile, tile.in_basket or tile.row in chosen) | _decided(tile, decided, query)
            for tile in tiles
        ],
        "actions": list(actions),
        "size": size,
        "label": label,
        "query": query,
    }


def _list(
    loaded: Loaded, key: str, shown: Sequence[int], among: Sequence[int] | NDArray[np.integer] | None, selecting: bool
) -> dict[str, Any]:
    """Describe what can be selected; the whole list once it was asked for."""
    opened = session.last()
    here = opened is not None and (opened.loaded.name, opened.loaded.version) == (loaded.name, loaded.version)
    rows = shown if among is None else among
    wanted = st.session_state.get(_WANTED) == key and bool(st.session_state.pop(_WANTED))
    return {
        "place": place(loaded) if here and selecting else "",
        "longer": len(rows) > len(shown),
        "all": [int(row) for row in rows] if wanted else None,
    }


def place(loaded: Loaded) -> str:
    """Name a version and its content, by which the browser keeps what is selected."""
    return f"{loaded.name} {loaded.version} {loaded.token}"


def _described(loaded: Loaded, tile: Tile, basket: bool) -> dict[str, Any]:
    return {
        "row": int(tile.row),
        "src": thumbnail_url(loaded, int(tile.row)),
        "title": visible(tile.title),
        "label": None if tile.label is None else visible(tile.label),
        "rank": tile.rank,
        "distance": None if tile.distance is None else round(float(tile.distance), 6),
        "meaning": tile.meaning,
        "same": None if tile.same is None else bool(tile.same),
        "duplicate": None if tile.duplicate is None else visible(tile.duplicate),
        "keep": tile.keep,
        "note": visible(tile.note),
        "basket": basket,
    }


def _decided(tile: Tile, decided: Decided | None, query: int | None) -> dict[str, Any]:
    """Describe what people decided about a picture, and about it beside the query."""
    row = int(tile.row)
    label = None if decided is None else decided.labels[row]
    tags = () if decided is None else decided.tags.get(row, ())
    pair = None if query is None else (min(row, query), max(row, query))
    return {
        "decided": None if label is None or label == tile.label else visible(label),
        "tags": visible(", ".join(tags)),
        "alike": None if decided is None or pair is None else decided.alike.get(pair),
    }


def _early(
    loaded: Loaded, key: str, actions: Sequence[Kind], at_once: Mapping[Kind, Callable[[int], None]]
) -> Callable[[], None]:
    """Return a callback that carries out the actions of ``at_once`` before the page runs."""

    def act() -> None:
        sent = cast(dict[str, Any], st.session_state[key]).get("action")
        action = parse(sent, actions, range(len(loaded)))
        if action is not None and action.kind in at_once:
            at_once[action.kind](action.row)

    return act
