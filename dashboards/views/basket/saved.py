"""Baskets saved by name: a name is a tag, so its pictures are known by their content in every version."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from dashboards import state
from dashboards.markdown import plain
from dashboards.services.answers import find
from dashboards.services.decided import known
from dashboards.services.format import counted
from dashboards.services.tables import Share
from dashboards.session import OpenModel
from dashboards.widgets import basket_state
from dashboards.widgets.decide import decide
from imgsim.decisions import Decisions

_NAME = "basket-name"


def save(now: OpenModel, shares: Sequence[Share]) -> None:
    """Show the form that saves the basket under a name, a new one or one that is there."""
    with st.popover("Save", icon=":material/bookmark:", help="Keep these images under a name"):
        st.selectbox(
            "Name",
            list(known(now.loaded).tagged),
            index=None,
            key=_NAME,
            accept_new_options=True,
            placeholder="a new name, or one to add to",
            help="The images get it as a tag, which holds in every version and is found on the page Search",
        )
        st.button("Save", type="primary", key="basket-save", on_click=_save, args=(shares,), help="For everybody here")


def _save(shares: Sequence[Share]) -> None:
    name = str(st.session_state[_NAME] or "").strip()
    if not name:
        st.toast("A saved basket needs a name.", icon=":material/edit:")
        return
    for share in shares:
        words = f"{counted(len(share.rows), 'image')} saved as {name}"
        decide(share.loaded, share.rows, partial(_tag, name), words)


def _tag(name: str, store: Decisions, keys: list[str], seen: str) -> int:
    return store.add_tag(keys, name, version=seen)


def show(now: OpenModel) -> None:
    """List the names that images of the open version have, with what can be done."""
    names = known(now.loaded).tagged
    if not names:
        return
    st.header("Saved baskets", anchor=False)
    for name, rows in names.items():
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"saved-{name}"):
            st.markdown(f"**{plain(name)}**, {counted(len(rows), 'image')}", width="stretch")
            if st.button("Open", key=f"saved-open-{name}", help="List its images"):
                state.go("search", find=find.TAG + name)
            st.button(
                "Put into the basket",
                key=f"saved-take-{name}",
                on_click=basket_state.add_all,
                args=(now.loaded, rows),
                help="Beside what is in it",
            )
            with st.popover("Delete", help="Forget the name"):
                st.markdown(f"Take the name {plain(name)} from its images? They stay where they are.")
                st.button(
                    "Delete",
                    key=f"saved-delete-{name}",
                    type="primary",
                    on_click=_delete,
                    args=(now, rows, name),
                    help="In every version; History can take it back",
                )


def _delete(now: OpenModel, rows: Sequence[int], name: str) -> None:
    decide(now.loaded, rows, partial(_untag, name), f"{name} deleted")


def _untag(name: str, store: Decisions, keys: list[str], seen: str) -> int:
    return store.remove_tag(store.tagged().get(name) or keys, name, version=seen)
