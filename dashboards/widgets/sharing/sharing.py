"""Sharing in the sidebar: the link, a name for what the page shows, and the views that have one."""

from __future__ import annotations

import sqlite3
from collections.abc import Container
from functools import partial

import streamlit as st

from dashboards import state
from dashboards.markdown import plain
from dashboards.services.saved.views import MOST_LENGTH, SavedView, remove_view, save_view, saved_views
from dashboards.session import OpenModel
from dashboards.widgets.sharing.share_view import share_view

_NAME = "saved-view-name"


def share(now: OpenModel, page: str, pages: Container[str]) -> None:
    """Show the buttons, and the saved views.

    Parameters
    ----------
    now : OpenModel
    page : str
        Name of the page.
    pages : container of str
        Names of all pages; a view of another one is not shown.
    """
    with st.sidebar:
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            share_view(now.version.version)
            with st.popover("Save view", help="Give this page, as it is now, a name in this list"):
                st.text_input("Name", key=_NAME, max_chars=MOST_LENGTH, help="A view of the same name is replaced")
                st.button("Save", type="primary", on_click=_save, args=(now, page), help="Everybody here sees it")
        views = [view for view in saved_views() if view.page in pages]
        if views:
            with st.expander("Saved views", expanded=True):
                for view in views:
                    _show(view)


def _show(view: SavedView) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="xxsmall", horizontal_alignment="distribute"):
        if st.button(plain(view.name), key=f"open-view-{view.name}", type="tertiary", help="Open this view"):
            state.open_view(view.page, view.query)
        st.button(
            "Remove",
            key=f"remove-view-{view.name}",
            type="tertiary",
            on_click=partial(_try, partial(remove_view, view.name), f"The view {plain(view.name)} is removed."),
            help="Take it out of this list",
        )


def _save(now: OpenModel, page: str) -> None:
    name = str(st.session_state[_NAME]).strip()
    if not name:
        st.toast("A view needs a name.", icon=":material/edit:")
        return
    query = {key: st.query_params.get_all(key) for key in st.query_params}
    query |= {"model": [now.version.name], "version": [now.version.version]}
    _try(partial(save_view, SavedView(name, page, query)), f"The view {plain(name)} is saved.")


def _try(act: partial[None], done: str) -> None:
    try:
        act()
    except (sqlite3.Error, OSError):
        st.toast("This server's working store cannot be written.", icon=":material/error:")
    else:
        st.toast(done, icon=":material/bookmark:")
