"""The picture of the map: points that can be moved, hovered, clicked and drawn around, and a legend.

Points and their colours are fetched by the browser from `pages.map.places`, once per version; what a rerun sends is
small. What the user does is done before the page runs; names and labels reach the browser as data and are shown as
text.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import streamlit as st

from dashboards.pages.map import places
from dashboards.pages.map.coloring import BINS, COLORINGS, Colored
from dashboards.services import filters
from dashboards.services.filters import Filters
from dashboards.services.format import visible
from dashboards.services.models.loaded_model import Loaded
from dashboards.widgets.component import component

MOST_ENTRIES = 200
"""Lines of the legend; further groups are coloured without one."""
_PARTS = ("tools", "toolbar", "raster", "overlay", "legend", "tip", "view")
_component = component("map", Path(__file__).parent, "map_view", *(f"js/{part}" for part in _PARTS))


@dataclass(frozen=True)
class Scene:
    """What is shown.

    Parameters
    ----------
    coloring : str
        One of `dashboards.pages.map.coloring.COLORINGS`.
    only : str
        Key of the legend's entry whose images alone are lit; empty for all.
    filters : Filters
        What they leave out is faint.
    area, view : str
        As in the URL.
    query : int, optional
        Row that is asked with.
    hits : sequence of int
        Rows of its answer: an edge leads to each.
    pictures : bool
        Whether pictures lie on the map where there is room.
    """

    coloring: str
    only: str = ""
    filters: Filters = field(default_factory=Filters)
    area: str = ""
    view: str = ""
    query: int | None = None
    hits: Sequence[int] = ()
    pictures: bool = True


def map_view(loaded: Loaded, colors: Colored, scene: Scene, *, key: str, on: dict[str, Callable[[Any], None]]) -> None:
    """Show the map of a version that has one.

    Parameters
    ----------
    loaded : Loaded
    colors : Colored
        Of the scene's colouring.
    scene : Scene
    key : str
        Unique on the page.
    on : dict of str to callable
        What is done before the page runs: ``query`` with a row, ``area`` with its text, ``only`` with the key of an
        entry or nothing, ``clear`` with True.
    """
    checks: dict[str, Callable[[Any], Any]] = {
        "query": lambda sent: sent if type(sent) is int and 0 <= sent < len(loaded) else None,
        "area": lambda sent: sent if isinstance(sent, str) and places.parse_area(sent) is not None else None,
        "only": lambda sent: _key(colors, sent),
        "clear": lambda sent: sent is True or None,
    }
    callbacks: dict[str, Any] = {f"on_{name}_change": _before(key, name, checks[name], act) for name, act in on.items()}
    _component(key=key, data=described(loaded, colors, scene), **callbacks)


def _before(key: str, name: str, check: Callable[[Any], Any], act: Callable[[Any], None]) -> Callable[[], None]:
    def done() -> None:
        said = check(cast(dict[str, Any], st.session_state[key]).get(name))
        if said is not None:
            act(said)

    return done


def _key(colors: Colored, place: object) -> str | None:
    """Key of an entry by its place; empty for -1."""
    if type(place) is not int or not -1 <= place < len(colors.entries):
        return None
    return "" if place < 0 else colors.entries[place].key


def described(loaded: Loaded, colors: Colored, scene: Scene) -> dict[str, Any]:
    """What the browser is sent."""
    passed = filters.mask(loaded, scene.filters)
    corners = places.parse_area(scene.area)
    return {
        "addresses": places.addresses(loaded, scene.coloring),
        "count": len(loaded),
        "legend": _legend(colors, scene.coloring),
        "only": colors.position(scene.only),
        "passed": None if passed.all() else b64encode(places.bits(passed)).decode(),
        "area": None if corners is None else [[round(x, 4), round(1 - y, 4)] for x, y in corners.tolist()],
        "view": scene.view,
        "query": scene.query,
        "hits": list(scene.hits),
        "pictures": scene.pictures,
    }


def _legend(colors: Colored, coloring: str) -> dict[str, Any]:
    figure = colors.values is not None
    return {
        "name": COLORINGS[coloring].name,
        "label": coloring == "label",
        "bins": BINS if figure else 0,
        "low": colors.low,
        "high": colors.high,
        "digits": 0 if colors.high > 20 else 2,
        "groups": len(colors.entries),
        "unknown": colors.unknown,
        "entries": [
            {"place": place, "name": visible(entry.name), "count": entry.count}
            for place, entry in enumerate(colors.entries[:MOST_ENTRIES])
        ],
    }
