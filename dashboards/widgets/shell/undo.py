"""Offer to undo what was done: a message with a button for some seconds, Ctrl+Z, and Ctrl+Shift+Z to redo."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import streamlit as st

from dashboards.services.format import visible
from dashboards.widgets import decide
from dashboards.widgets.component import component
from dashboards.widgets.decisions import person

_component = component(__file__)


def offer_undo(key: str) -> None:
    """Offer to undo this session's last act; once around every page, and once in each dialog that decides.

    Parameters
    ----------
    key : str
        ``"undo"`` around a page, ``"undo-here"`` in a dialog or a part of a page that runs alone.
    """
    _component(key=key, data=described(), on_step_change=_step(key), width="content", height="content")


def described() -> dict[str, Any]:
    """Return the data for the browser: ``UndoData`` in ``undo.js``."""
    done = decide.last()
    return {
        "turn": decide.turn(),
        "words": "" if done is None else visible(done.words),
        "undone": done is not None and done.undone,
        "person": person.to_keep(),
        "cookie": person.COOKIE,
    }


def _step(key: str) -> Callable[[], None]:
    """Return a callback that undoes or redoes before the page runs."""

    def act() -> None:
        wanted = cast(dict[str, Any], st.session_state[key]).get("step")
        if wanted in ("undo", "redo") and not decide.step(back=wanted == "undo"):
            st.toast(f"There is nothing to {wanted}.", icon=":material/undo:")

    return act
