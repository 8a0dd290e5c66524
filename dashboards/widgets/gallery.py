"""A grid of thumbnails with actions: one component for the whole grid, used by every page.

The browser fetches each picture by its URL when it scrolls into view. Names and labels are sent as data and shown as
text. An action of the user comes back as an `Action`.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, cast, get_args

import streamlit as st

from dashboards.services.format import visible
from dashboards.services.models.loaded_model import Loaded
from dashboards.services.thumbnails import thumbnail_url
from dashboards.widgets import basket_state
from dashboards.widgets.component import component

Kind = Literal["query", "more", "less", "details", "basket", "walk"]
Size = Literal["small", "medium", "large"]

MOST = 200
"""The largest number of tiles in one gallery; a page that has more shows them in pages."""
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
) -> Action | None:
    """Show tiles and return the user's latest action.

    ``"basket"`` is done here, before the page runs, and not returned: the whole page then shows the new basket.

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

    Returns
    -------
    Action or None
        None when the user did nothing since the last run of the page.
    """
    shown = tiles[:MOST]
    rows = tuple(tile.row for tile in shown)
    at_once: dict[Kind, Callable[[int], None]] = {"basket": partial(basket_state.flip, loaded), **(before or {})}
    result = _component(
        key=key,
        data=_data(loaded, shown, actions, size, label),
        on_action_change=_early(loaded, key, actions, at_once),
    )
    action = parse(result.action, actions, rows)
    return None if action is None or action.kind in at_once else replace(action, among=rows)


def parse(value: object, actions: Sequence[Kind], rows: Container[int]) -> Action | None:
    """Return what the browser sent as an action: one that was offered, on a row that is shown; else None."""
    if not isinstance(value, dict):
        return None
    kind, row = value.get("kind"), value.get("row")
    if kind not in get_args(Kind) or kind not in actions or type(row) is not int or row not in rows:
        return None
    return Action(cast(Kind, kind), row)


def _data(loaded: Loaded, tiles: Sequence[Tile], actions: Sequence[Kind], size: Size, label: str) -> dict[str, Any]:
    chosen = set(basket_state.rows(loaded))
    return {
        "tiles": [_described(loaded, tile, tile.in_basket or tile.row in chosen) for tile in tiles],
        "actions": list(actions),
        "size": size,
        "label": label,
    }


def _described(loaded: Loaded, tile: Tile, basket: bool) -> dict[str, Any]:
    return {
        "row": int(tile.row),
        "src": thumbnail_url(loaded, int(tile.row)),
        "title": visible(tile.title),
        "label": None if tile.label is None else visible(tile.label),
        "rank": tile.rank,
        "distance": None if tile.distance is None else round(float(tile.distance), 6),
        "same": None if tile.same is None else bool(tile.same),
        "duplicate": None if tile.duplicate is None else visible(tile.duplicate),
        "keep": tile.keep,
        "note": visible(tile.note),
        "basket": basket,
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
