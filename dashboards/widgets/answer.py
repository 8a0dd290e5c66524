"""The answer to a query as a ranked gallery, or why there is none; and the images that a search by name found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import cast

import streamlit as st

from dashboards import state
from dashboards.markdown import plain
from dashboards.services import search
from dashboards.services.query import Query
from dashboards.services.search import Results
from dashboards.session import OpenModel
from dashboards.widgets import basket_state
from dashboards.widgets.details import handle
from dashboards.widgets.gallery import Kind, Size, gallery, tile
from dashboards.widgets.url_choice import choice

SIZES: dict[str, str] = {"small": "S", "medium": "M", "large": "L"}
_FOUND = 60

Steer = Mapping[Kind, Callable[[int], None]]


def answer(now: OpenModel, query: Query, steer: Steer, example: bool) -> None:
    """Show the nearest images.

    Parameters
    ----------
    now : OpenModel
    query : Query
    steer : mapping of str to callable
        What asks anew with a row, by action.
    example : bool
        Whether nobody asked this.
    """
    if query.vector is None:
        st.warning(
            "These pictures cancel each other out, so nothing is left to look for. Change a weight, or take one out.",
            icon=":material/balance:",
        )
        return
    loaded, view = now.loaded, now.view
    results = search.rank_images(
        loaded,
        query.vector,
        k=view.k,
        filters=view.filters,
        cut=view.cut,
        same=view.same,
        label=query.label,
        collapse=view.collapse,
        exclude=query.exclude,
        own=query.own,
    )
    size = _header(now, results, query.label, example)
    if not results.hits:
        _nothing(now, query, results)
        return
    tiles = [
        tile(loaded, hit.row, rank=hit.rank, distance=hit.distance, same=hit.same, duplicate=hit.duplicate)
        for hit in results.hits
    ]
    handle(now, gallery(loaded, tiles, key="answer", size=size, label="Nearest images", before=steer))


def _header(now: OpenModel, results: Results, label: str | None, example: bool) -> Size:
    """Describe the answer; return the chosen size of tiles."""
    if example:
        st.caption("An example. Choose a query of your own on the left, or click a picture to ask with it.")
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="answer-bar"):
        st.markdown(summary(results, label), width="stretch")
        size = choice("Size", SIZES, "size", "medium", help="Of the tiles: small, medium or large", hide_label=True)
        st.button(
            "Add all",
            icon=":material/shopping_basket:",
            on_click=basket_state.add_all,
            args=(now.loaded, [hit.row for hit in results.hits]),
            disabled=not results.hits,
            help="Put all images of this answer into the basket",
        )
    return cast(Size, size)


def summary(results: Results, label: str | None) -> str:
    """Describe an answer in a line of markdown."""
    count = len(results.hits)
    parts = [f"**{count:,}** nearest of {results.considered:,}"]
    if label is not None and count:
        parts.append(f"**{sum(hit.same is True for hit in results.hits):,}** labelled {plain(label)} like the query")
    if results.collapsed:
        parts.append(f"{results.collapsed:,} near-duplicates collapsed")
    parts.append(f"{results.seconds * 1000:.1f} ms")
    return " · ".join(parts)


def _nothing(now: OpenModel, query: Query, results: Results) -> None:
    """Say why no image is shown, and offer what brings some back."""
    view = now.view
    assert query.vector is not None
    if results.considered:
        nearest = search.nearest_distance(now.loaded, query.vector, filters=view.filters, exclude=query.exclude)
        if view.cut and nearest is not None and nearest > view.cut:
            st.info(
                f"The nearest image is at {nearest:.3f}, beyond the largest distance of {view.cut:g}.",
                icon=":material/straighten:",
            )
            st.button("Any distance", on_click=partial(state.put, cut=None), help="Take the largest distance away")
        else:
            st.info("Only near-duplicates of the query are left, and they are collapsed.", icon=":material/layers:")
            st.button("Show duplicates", on_click=partial(state.put, collapse=None), help="Do not collapse them")
        return
    st.info("No image passes the filters of the sidebar.", icon=":material/filter_alt_off:")
    st.button("Clear the filters", on_click=_clear, help="Labels, path and label of the neighbours")


def _clear() -> None:
    state.put_labels([])
    state.put(path=None, same=None)


def found(now: OpenModel, steer: Steer) -> None:
    """Show the images whose path holds what was typed."""
    text = state.get("find")
    rows, count = search.find_rows(now.loaded, text, most=_FOUND)
    if rows:
        first = f", the first {len(rows):,} of them here" if count > len(rows) else ""
        st.markdown(f"**{count:,}** images whose path holds {plain(text)}{first}. Choose one to ask with it.")
    else:
        st.info(
            f"No image has the id or key {plain(text)}, and no path holds it. Type less of the path, or browse.",
            icon=":material/search_off:",
        )
    st.button(
        "Back to the answer", icon=":material/close:", on_click=partial(state.put, find=None), help="Close this list"
    )
    tiles = [tile(now.loaded, row) for row in rows]
    handle(now, gallery(now.loaded, tiles, key="found", size="small", label="Images found", before=steer))


def neighbours(side: OpenModel, row: int) -> Results:
    """Rank the nearest images of a stored image, without itself, as the sidebar wants them."""
    view, loaded = side.view, side.loaded
    return search.rank_images(
        loaded,
        loaded.model.embeddings[row],
        k=view.k,
        filters=view.filters,
        cut=view.cut,
        same=view.same,
        label=loaded.model.images.labels[row],
        collapse=view.collapse,
        exclude=[row],
    )
