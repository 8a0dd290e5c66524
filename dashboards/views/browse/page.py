"""The page to leaf through the collection, in an order, page by page; a click asks with an image."""

from __future__ import annotations

from typing import cast

import numpy as np
import streamlit as st

from dashboards import state
from dashboards.session import OpenModel, current
from dashboards.views.browse.order import RANDOM, SORTS, available, notes, select_rows
from dashboards.widgets import pager, sidebar
from dashboards.widgets.answer import SIZES
from dashboards.widgets.details import handle
from dashboards.widgets.gallery import Kind, Size, gallery, tile
from dashboards.widgets.pager import Pages
from dashboards.widgets.sidebar import FILTERS
from dashboards.widgets.url_choice import choice

TILES = {"small": 120, "medium": 60, "large": 30}
ACTIONS: tuple[Kind, ...] = ("query", "details", "walk", "basket")
_MOST_SEED = 99_999


def page(now: OpenModel) -> None:
    """Show how the collection is sorted, and a page of it."""
    sidebar.choose_images(now, *FILTERS, "collapse")
    if not len(now.loaded):
        st.info(
            "This version holds no images. Run the pipeline on a folder with pictures.", icon=":material/grid_view:"
        )
        return
    sort, reverse, size = _bar(now)
    seed = state.get_int("seed", 0, 0, _MOST_SEED)
    rows, folded = select_rows(now.loaded, sort, reverse, seed, now.view.filters, now.view.collapse)
    if not len(rows):
        st.info("No image passes the filters of the sidebar.", icon=":material/filter_alt_off:")
        st.button("Clear the filters", on_click=_clear, help="Show all images")
        return
    pages = pager.pages(len(rows), TILES[size])
    _caption(now, pages, sort, reverse, folded)
    shown = rows[pages.slice].tolist()
    described = notes(now.loaded, sort, shown)
    tiles = [tile(now.loaded, row, note=note) for row, note in zip(shown, described, strict=True)]
    action = gallery(now.loaded, tiles, key="browse", actions=ACTIONS, size=size, label="The collection", among=rows)
    handle(now, action, among=rows)
    pager.show(pages, "bottom", keys=False)


def _bar(now: OpenModel) -> tuple[str, bool, Size]:
    """Show the controls; return order, whether it is reversed, and the size of tiles."""
    names = available(now.loaded)
    sort = state.get("sort", "path") if state.get("sort") in names else "path"
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        state.sync("browse-sort", sort)
        st.selectbox(
            "Sorted by",
            list(names),
            key="browse-sort",
            format_func=lambda name: names[name],
            on_change=state.on_change("browse-sort", _sort),
            help="What the version knows of its images decides which orders there are",
            width=190,
        )
        reverse = state.get("reverse") == "1"
        state.sync("browse-reverse", reverse)
        if sort == RANDOM:
            st.button(
                "Shuffle",
                icon=":material/shuffle:",
                shortcut="S",
                on_click=_shuffle,
                help="Another random order; the link keeps it",
            )
        else:
            st.toggle(
                "Reverse",
                key="browse-reverse",
                on_change=state.on_change("browse-reverse", _reverse),
                help="The other way round; images without a figure stay last",
            )
        st.space("stretch")
        size = choice("Size", SIZES, "size", "medium", help="Of the tiles: small, medium or large", resets=("page",))
    return sort, reverse and sort != RANDOM, cast(Size, size)


def _caption(now: OpenModel, pages: Pages, sort: str, reverse: bool, folded: int) -> None:
    """Describe the images shown, beside the buttons that turn pages."""
    words = [pages.of("images", "**")]
    if now.view.filters:
        words.append("that pass the filters of the sidebar")
    if folded:
        words.append(f"({folded:,} near-duplicates collapsed)")
    order = "last" if reverse else "first"
    text = f"{' '.join(words)}, {SORTS[sort].first}" + ("" if sort in ("path", "label", RANDOM) else f" {order}")
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"{text}.", width="content")
        pager.show(pages, "top")


def _sort(name: str) -> None:
    state.put(sort=name if name != "path" else None, page=None, reverse=None, seed=None)


def _reverse(on: bool) -> None:
    state.put(reverse="1" if on else None, page=None)


def _shuffle() -> None:
    state.put(seed=str(int(np.random.default_rng().integers(1, _MOST_SEED))), page=None)


def _clear() -> None:
    state.clear_filters()


page(current())
