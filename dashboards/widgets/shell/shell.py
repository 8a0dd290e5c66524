"""Around every page in the browser: its style sheet, the browser's history, and results that come into view.

It is a component because Streamlit lays style sheets of ``st.html`` where the next toast replaces them.
"""

from __future__ import annotations

from typing import Any, cast

import streamlit as st

from dashboards.state import View
from dashboards.widgets.component import component
from dashboards.widgets.shell.undo import offer_undo

_component = component(__file__, isolated=False)
_REVEALED = "revealed"


def shell(view: View | None = None) -> None:
    """Put the shell on the page, before all else that it shows.

    Parameters
    ----------
    view : View, optional
        Its model and version are written into the address, where they are missing.
    """
    _component(key="shell", data=described(view), width="content", height="content")
    offer_undo("undo")


def described(view: View | None) -> dict[str, Any]:
    """Return the data for the browser: ``ShellData`` in ``shell.js``."""
    key, turn = _revealed()
    return {"reveal": key, "turn": turn, "pin": {} if view is None else {"model": view.model, "version": view.version}}


def reveal(key: str) -> None:
    """Let the container with this key come into view once the page has run; for callbacks."""
    st.session_state[_REVEALED] = (key, _revealed()[1] + 1)


def _revealed() -> tuple[str, int]:
    return cast("tuple[str, int]", st.session_state.get(_REVEALED, ("", 0)))
