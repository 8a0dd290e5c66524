"""The page of what was decided: when, by whom, what, and a button that undoes or redoes any of it."""

from __future__ import annotations

import streamlit as st

from dashboards import state
from dashboards.markdown import plain
from dashboards.services.decided import store
from dashboards.views.history.actions import Action, actions
from dashboards.widgets import decide, pager
from dashboards.widgets.decisions import person
from imgsim.errors import ImgsimError

SIZE, MOST = 20, 1000
"""Actions of a page, and of the whole list."""
_NAME = "history-name"


def page() -> None:
    """Show who decides here, and the list."""
    _who()
    try:
        found = actions(store().history(MOST))
    except ImgsimError as problem:
        st.error(plain(problem), icon=":material/error:")
        return
    if not found:
        st.info(
            "Nothing was decided yet. Select pictures in any grid, by the corner of a picture or with X; the bar at "
            "the bottom labels, tags and marks them.",
            icon=":material/history:",
        )
        return
    pages = pager.pages(len(found), SIZE)
    st.caption(f"{pages.of('actions')}, the newest first" + (" (older ones are kept)" if len(found) == MOST else ""))
    for action in found[pages.slice]:
        _show(action)
    pager.show(pages, "bottom")


def _who() -> None:
    """Say who decides, or ask for a name."""
    account = person.logged_in()
    if account is not None:
        st.caption(f"You decide as {plain(account)}.")
        return
    state.sync(_NAME, person.given())
    st.text_input(
        "Your name",
        key=_NAME,
        max_chars=person.LONGEST,
        on_change=state.on_change(_NAME, person.give),
        placeholder="the name that the server runs under",
        help="It is written to each of your decisions, and this browser keeps it until it is closed",
        width=320,
    )


def _show(action: Action) -> None:
    """Show an action with its button."""
    mark = "~~" if action.undone else ""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"action-{action.number}"):
        st.caption(f"{action.number}", width=48)
        said = f"**{plain(action.by)}** {mark}{plain(action.words)}{mark}" + (" (undone)" if action.undone else "")
        seen = f", looking at {plain(action.seen)}" if action.seen else ""
        st.markdown(f"{said}  \n:small[{action.time:%Y-%m-%d %H:%M} UTC{seen}]", width="stretch")
        if action.reverse is not None:
            name = "Redo" if action.undone else "Undo"
            st.button(
                name,
                key=f"reverse-{action.number}",
                icon=f":material/{name.lower()}:",
                on_click=_reverse,
                args=(action,),
                help=f"{name} action {action.number}; what was decided later about the same pictures stays",
            )


def _reverse(action: Action) -> None:
    """Undo an action, or redo one that was undone."""
    decide.undo(action.reverse or action.number, f"Action {action.number} {'redone' if action.undone else 'undone'}")


page()
