"""Dialog of one image: its picture, facts, neighbours, and buttons that lead on; and the actions of tiles."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from html import escape
from typing import Literal

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboards import state
from dashboards.markdown import plain
from dashboards.services import image_facts, originals
from dashboards.services.answers.likeness import distance_words, legend
from dashboards.services.format import visible
from dashboards.services.image_facts import Fact, Flag
from dashboards.services.models.loaded_model import Loaded
from dashboards.services.query import trail_after
from dashboards.services.thumbnails import thumbnail_url
from dashboards.session import OpenModel
from dashboards.widgets import basket_state
from dashboards.widgets.decisions.form import label_and_tags
from dashboards.widgets.gallery import Action, gallery, tile
from dashboards.widgets.shell.undo import offer_undo
from imgsim.decoding.decode import probe

Rows = Sequence[int] | NDArray[np.integer]

_ROW = "details-row"
_NEIGHBOURS = 12
_PICTURE = "display: block; width: 100%; max-height: 32rem; object-fit: contain; border-radius: 0.5rem"
_LIST = "display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 0.3rem 1rem; margin: 0; padding: 0"
_NAME = "margin: 0; font-weight: 400; opacity: 0.7; white-space: nowrap"
_VALUE = "margin: 0; overflow-wrap: anywhere"
_COLORS: dict[str, Literal["orange", "violet", "blue"]] = {
    "label": "orange",
    "outlier": "orange",
    "duplicate": "violet",
}


def handle(open: OpenModel, action: Action | None, among: Rows | None = None) -> None:
    """Carry out an action on a tile as every page does; this may leave the page.

    Parameters
    ----------
    open : OpenModel
    action : Action or None
    among : sequence of int, optional
        All rows of the list that the picture is in, for the details to go through; by default those that are shown.
    """
    if action is None:
        return
    loaded, key = open.loaded, open.loaded.key(action.row)
    if action.kind in ("query", "more"):
        state.go("search", q=key)
    elif action.kind == "less":
        state.go("search", q=f"-0.5*{key}")
    elif action.kind == "walk":
        state.go("neighbours", at=key)
    elif action.kind == "basket":
        basket_state.flip(loaded, action.row)
        st.rerun()
    else:
        show(open, action.row, action.among if among is None else among)


def show(open: OpenModel, row: int, among: Rows = ()) -> None:
    """Open the dialog.

    Parameters
    ----------
    open : OpenModel
    row : int
        Of the image.
    among : sequence of int
        Rows that next and previous go through; empty for the whole collection.
    """
    st.session_state[_ROW] = row
    _dialog(open, np.asarray(among if len(among) else range(len(open.loaded))))


@st.dialog("Image", width="large", on_dismiss="rerun")
def _dialog(open: OpenModel, among: NDArray[np.integer]) -> None:
    loaded, row = open.loaded, st.session_state[_ROW]
    if row >= len(loaded):
        return
    _turns(row, among)
    problem = originals.problem(loaded, row)
    picture, facts = st.columns([2, 3] if problem is not None else [3, 2], gap="medium")
    with picture:
        if problem is None:
            _original(loaded, row)
        else:
            _thumbnail(loaded, row, problem or "This machine does not know where the original files are.")
        _flags(image_facts.flags(loaded, row))
    with facts:
        st.html(facts_html([*image_facts.file_facts(loaded, row), *image_facts.found_facts(loaded, row)]))
    label_and_tags(loaded, row)
    offer_undo("undo-here")
    _ways(open, row)
    _neighbours(loaded, row)


def _turns(row: int, among: NDArray[np.integer]) -> None:
    """Show the buttons for the next and the previous image."""
    before, after, where = image_facts.around(row, among)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for name, to, icon, key in (
            ("Previous", before, ":material/arrow_back:", "Left"),
            ("Next", after, ":material/arrow_forward:", "Right"),
        ):
            st.button(
                name,
                icon=icon,
                on_click=partial(_turn, to),
                shortcut=key,
                help=f"The {name.lower()} image of the list, round and round; key: {key.lower()} arrow",
            )
        st.caption(where)


def _turn(to: int) -> None:
    st.session_state[_ROW] = to


def _original(loaded: Loaded, row: int) -> None:
    """Show the original file, which is where it was, and a way to see it larger."""
    _show(originals.original_url(loaded, row), loaded, row)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(f"The original file, shown with at most {originals.FITTED:,} pixels a side", width="stretch")
        st.link_button(
            "Open",
            originals.original_url(loaded, row, originals.WHOLE),
            icon=":material/open_in_new:",
            help=f"In a tab of its own, with at most {originals.WHOLE:,} pixels a side",
        )


def _thumbnail(loaded: Loaded, row: int, problem: str) -> None:
    """Show the thumbnail that the version carries, and say why it is not the original."""
    data = loaded.model.thumbnails([row])[0]
    if data is None:
        st.info("This version carries no thumbnail of this image.", icon=":material/hide_image:")
    else:
        _show(thumbnail_url(loaded, row), loaded, row)
        header = probe(data)
        st.caption(f"Thumbnail of {header.width} × {header.height} pixels. {problem}")


def _show(url: str, loaded: Loaded, row: int) -> None:
    name = escape(visible(loaded.model.images.paths[row]))
    st.html(f'<img src="{url}" alt="{name}" title="{name}" style="{_PICTURE}">')


def _flags(flags: Sequence[Flag]) -> None:
    with st.container(horizontal=True, gap="small"):
        for flag in flags:
            st.badge(plain(flag.text), color=_COLORS.get(flag.kind, "gray"), help=plain(flag.why))


def facts_html(facts: Sequence[Fact]) -> str:
    """Write facts as an HTML list of names and values; their texts stay text."""
    rows = (
        f'<dt style="{_NAME}">{escape(fact.name)}</dt><dd style="{_VALUE}">{escape(fact.text)}</dd>' for fact in facts
    )
    return f'<dl style="{_LIST}; font-size: 0.875rem">{"".join(rows)}</dl>'


def _ways(open: OpenModel, row: int) -> None:
    """Show buttons that lead to other pages."""
    loaded, key = open.loaded, open.loaded.key(row)
    inside = row in basket_state.rows(loaded)
    with st.container(horizontal=True, gap="small"):
        if st.button(
            "Search with this", icon=":material/image_search:", type="primary", help="Find the images nearest to it"
        ):
            before = state.get("q")
            trail = trail_after(state.get("trail"), before, key) if before else None
            state.go("search", q=key, trail=trail)
        if st.button("Walk from here", icon=":material/hub:", help="Go on in the graph of neighbours"):
            state.go("neighbours", at=key)
        st.button(
            "Remove from basket" if inside else "Add to basket",
            icon=":material/shopping_basket:",
            on_click=partial(_toggle, loaded, row),
            help="The basket keeps images of all pages for export",
        )


def _toggle(loaded: Loaded, row: int) -> None:
    basket_state.toggle(loaded, row)


def _neighbours(loaded: Loaded, row: int) -> None:
    """Show the nearest images as the graph lists them; a click goes to one."""
    graph, labels = loaded.model.graph, loaded.model.images.labels
    mine = labels[row]
    tiles = [
        tile(
            loaded,
            near,
            distance=distance,
            meaning=distance_words(loaded, distance),
            same=None if mine is None or labels[near] is None else labels[near] == mine,
        )
        for near, distance in zip(graph.neighbors[row].tolist(), graph.distances[row].tolist(), strict=True)
    ][:_NEIGHBOURS]
    if tiles:
        st.markdown("**Nearest in the graph**")
        st.caption(plain(legend(loaded, tiles[0].distance or 0.0, tiles[-1].distance or 0.0)))
        gallery(
            loaded,
            tiles,
            key="details-neighbours",
            actions=("details", "basket"),
            size="small",
            label="Nearest images",
            before={"details": _turn},
            selecting=False,
        )
