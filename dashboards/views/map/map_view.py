"""The map as a component: points to move, hover, click and draw around, and a legend.

The browser fetches points and their colours from `dashboards.views.map.places` once per version, so a rerun sends
little. Actions of the user are done before the page runs. Names and labels are sent as data and shown as text.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboards.services import filters
from dashboards.services.filters import Filters
from dashboards.services.format import visible
from dashboards.services.models.loaded_model import Loaded
from dashboards.views.map import places
from dashboards.views.map.coloring import BINS, COLORINGS, Colored
from dashboards.widgets.component import component

MOST_ENTRIES = 200
"""The largest number of lines in the legend; further groups have a colour but no line."""
HUES = 8
"""Groups with a colour of their own; more cannot be told apart, and are gray."""
_component = component(__file__)


@dataclass(frozen=True)
class Scene:
    """The state of the map, as the URL holds it.

    Parameters
    ----------
    coloring : str
        One of `dashboards.views.map.coloring.COLORINGS`.
    only : str
        Key of the legend's entry whose images alone are lit; empty for all.
    filters : Filters
        Images that they leave out are drawn faintly.
    area, view : str
        Corners drawn by the user, and the part of the map that is shown, in the URL's form; empty for none and for all.
    query : int, optional
        Row of the query.
    hits : sequence of int
        Rows of its answer; a line leads to each.
    pictures : bool
        Draw thumbnails where there is room.
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
        Colours by the scene's colouring.
    scene : Scene
    key : str
        Unique on the page.
    on : dict of str to callable
        Called before the page runs: ``query`` with a row, ``area`` with its text in the URL's form, ``only`` with the
        key of a legend's entry (empty for all), ``clear`` with True.
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
    """Return the key of a legend's entry by its place; empty for -1, None for no place."""
    if type(place) is not int or not -1 <= place < len(colors.entries):
        return None
    return "" if place < 0 else colors.entries[place].key


def described(loaded: Loaded, colors: Colored, scene: Scene) -> dict[str, Any]:
    """Return the data for the browser: ``MapData`` in ``map_view.js``."""
    passed = filters.mask(loaded, scene.filters)
    corners = places.parse_area(scene.area)
    return {
        "addresses": places.addresses(loaded, scene.coloring),
        "count": len(loaded),
        "legend": _legend(colors, scene.coloring, passed),
        "only": colors.position(scene.only),
        "passed": None if passed.all() else b64encode(places.bits(passed)).decode(),
        "area": None if corners is None else [[round(x, 4), round(1 - y, 4)] for x, y in corners.tolist()],
        "view": scene.view,
        "query": scene.query,
        "hits": list(scene.hits),
        "pictures": scene.pictures,
    }


def hued(colors: Colored, passed: NDArray[np.bool_]) -> list[int]:
    """Return the places of the groups that have a colour of their own: those of most images that pass the filters."""
    known = len(colors.entries) - colors.unknown
    if colors.values is not None:
        return []
    counts = np.bincount(colors.codes[passed], minlength=len(colors.entries))[:known]
    order = np.argsort(-counts, kind="stable")[: min(HUES, np.count_nonzero(counts))]
    return [int(place) for place in order]


def _legend(colors: Colored, coloring: str, passed: NDArray[np.bool_]) -> dict[str, Any]:
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
        "hued": hued(colors, passed),
        "entries": [
            {"place": place, "name": visible(entry.name), "count": entry.count}
            for place, entry in enumerate(colors.entries[:MOST_ENTRIES])
        ],
    }
