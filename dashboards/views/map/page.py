"""Map of a collection: similar images are near; a click is a query, a line drawn around images lists them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

from dashboards import state
from dashboards.markdown import plain
from dashboards.services.graph_walk import address
from dashboards.services.models.loaded_model import Loaded
from dashboards.services.query_text import parse_terms
from dashboards.services.search import Hit
from dashboards.session import OpenModel, current
from dashboards.views.map import coloring, places
from dashboards.views.map.map_view import Scene, map_view
from dashboards.widgets import basket_state, pager, sidebar
from dashboards.widgets.answer import neighbours
from dashboards.widgets.details import Rows, handle
from dashboards.widgets.gallery import Kind, Tile, gallery, tile
from dashboards.widgets.image_list import say_missing
from dashboards.widgets.shell.shell import reveal
from dashboards.widgets.sidebar import ANSWERS
from dashboards.widgets.unknown import say_unknown

SIZE = 60
"""Images of a page of the area's."""
LIST = "map-list"
"""Key of the container of what was chosen on the map."""
ACTIONS: tuple[Kind, ...] = ("query", "details", "walk", "basket")


def page(now: OpenModel) -> None:
    """Show the map, and beside it what was chosen on it."""
    sidebar.choose_images(now, *ANSWERS)
    if not len(now.loaded):
        st.info(
            "This version holds no images. Run the pipeline on a folder of pictures.", icon=":material/scatter_plot:"
        )
        return
    if places.places(now.loaded) is None:
        say_missing("a map")
        return
    names = coloring.available(now.loaded)
    if not names:
        st.info("This version holds a single image without a label: there is nothing to draw.", icon=":material/help:")
        return
    color = _bar(names)
    colors = coloring.colored(now.loaded, color)
    assert colors is not None
    only = state.get("only") if colors.position(state.get("only")) >= 0 else ""
    area = state.get("area") if places.parse_area(state.get("area")) is not None else ""
    row = _query(now)
    hits = [] if row is None else neighbours(now, row).hits
    scene = Scene(
        coloring=color,
        only=only,
        filters=now.view.filters,
        area=area,
        view=places.valid_view(state.get("view")),
        query=row,
        hits=[hit.row for hit in hits],
        pictures=state.get("pictures") != "0",
    )
    plot, beside = st.container(key="map-and-list").columns([2, 1], gap="medium")
    with plot:
        map_view(now.loaded, colors, scene, key="map", on=_acts(now))
    with beside, st.container(key=LIST):
        if row is not None:
            _neighbours(now, row, hits, area or only)
        elif area or only:
            _inside(now, area, color, only)
        else:
            st.caption(
                "Click an image to see its neighbours. Draw around images, with the lasso, the box or the Shift key "
                "held, to see them all; or click an entry of the legend."
            )


def _bar(names: dict[str, str]) -> str:
    """Show the choice of colours, and whether pictures lie on the map."""
    color = state.get("color")
    color = color if color in names else next(iter(names))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        state.sync("map-color", color)
        st.selectbox(
            "Coloured by",
            list(names),
            key="map-color",
            format_func=lambda name: names[name],
            on_change=state.on_change("map-color", lambda name: state.put(color=name, only=None, page=None)),
            help="What the version knows of its images decides which colours there are",
            width=300,
        )
        state.sync("map-pictures", state.get("pictures") != "0")
        st.toggle(
            "Pictures",
            key="map-pictures",
            on_change=state.on_change("map-pictures", lambda on: state.put(pictures=None if on else "0")),
            help="Show pictures on the map where there is room; closer, there is more",
        )
    return color


def _query(now: OpenModel) -> int | None:
    """Find the row of the query in the URL."""
    text = state.get("q")
    terms, missing = parse_terms(now.loaded, text)
    rows = [term.row for term in terms if term.weight > 0]
    if text and not rows:
        say_unknown(now, missing or [text])
    return rows[0] if rows else None


def _acts(now: OpenModel) -> dict[str, Any]:
    """Return the functions that write actions on the map into the URL."""
    return {
        "query": partial(_ask, now.loaded),
        "area": lambda area: _choose(area=area, q=None),
        "only": lambda key: _choose(only=key, q=None),
        "clear": lambda _: state.put(area=None, q=None, page=None),
    }


def _choose(**values: str | None) -> None:
    """Put what was chosen on the map into the URL, and let the list of it come into view."""
    state.put(**values, page=None)
    reveal(LIST)


def _ask(loaded: Loaded, row: int) -> None:
    _choose(q=address(loaded, row))


def _neighbours(now: OpenModel, row: int, hits: list[Hit], listed: str) -> None:
    """Show the answer to the query, as on the page Search."""
    loaded, key = now.loaded, address(now.loaded, row)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{len(hits):,}** nearest of {plain(loaded.model.images.paths[row])}", width="stretch")
        if st.button("Search", icon=":material/image_search:", help="Search with it"):
            state.go("search", q=key)
        if st.button("Neighbours", icon=":material/hub:", help="Walk from it, neighbour by neighbour"):
            state.go("neighbours", at=key)
        back = "Back to the list" if listed else "Clear"
        st.button(back, icon=":material/close:", on_click=partial(state.put, q=None), help="Take the query away")
    if not hits:
        st.info(
            "No neighbour passes the filters and “Only closer than” of the sidebar.", icon=":material/filter_alt_off:"
        )
    tiles = [
        tile(loaded, hit.row, rank=hit.rank, distance=hit.distance, same=hit.same, duplicate=hit.duplicate)
        for hit in hits
    ]
    _gallery(now, tiles, "Nearest images", query=row)


def _inside(now: OpenModel, area: str, color: str, only: str) -> None:
    """Show the images of the area, page by page."""
    loaded = now.loaded
    rows = places.rows_in_area(loaded, area, now.view.filters, color, only)
    if not len(rows):
        st.info("No lit image lies there. Draw around others, or press Escape on the map.", icon=":material/gesture:")
        return
    pages = pager.pages(len(rows), SIZE)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        where = "in the area" if area else f"of {plain(_entry(loaded, color, only))}"
        st.markdown(f"{pages.of('images', '**')} {where}", width="stretch")
        pager.show(pages, "top")
        st.button(
            "Add all",
            icon=":material/shopping_basket:",
            on_click=partial(basket_state.add_all, loaded, rows.tolist()),
            help="Put all images of this list into the basket",
        )
        st.button(
            "Clear",
            icon=":material/close:",
            on_click=partial(state.put, area=None, only=None, page=None),
            help="Take the choice away",
        )
    tiles = [tile(loaded, row) for row in rows[pages.slice].tolist()]
    _gallery(now, tiles, "Images in the area", rows)


def _entry(loaded: Loaded, color: str, only: str) -> str:
    """Name an entry of the legend."""
    colors = coloring.colored(loaded, color)
    assert colors is not None
    return colors.entries[colors.position(only)].name


def _gallery(
    now: OpenModel, tiles: list[Tile], label: str, among: Rows | None = None, query: int | None = None
) -> None:
    """Show pictures whose click is a query here on the map."""
    before: dict[Kind, Callable[[int], None]] = {"query": partial(_ask, now.loaded)}
    action = gallery(
        now.loaded,
        tiles,
        key="map-below",
        actions=ACTIONS,
        size="small",
        label=label,
        before=before,
        among=among,
        query=query,
    )
    handle(now, action, among)


page(current())
