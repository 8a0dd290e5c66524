"""The field that finds by words, with names that are offered while someone types."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import streamlit as st

from dashboards.services.words import MOST_LENGTH
from dashboards.widgets.component import component

_component = component(__file__)


def find_view(text: str, offered: Sequence[str], *, key: str, help: str, on_find: Callable[[str], None]) -> None:
    """Show the field.

    Parameters
    ----------
    text : str
        In the field.
    offered : sequence of str
        Offered while someone types.
    key : str
        Unique on the page.
    help : str
    on_find : callable
        Called with a new text before the page runs.
    """

    def act() -> None:
        sent = cast(dict[str, Any], st.session_state[key]).get("find")
        if isinstance(sent, str):
            on_find(sent[:MOST_LENGTH].strip())

    _component(key=key, data=described(text, offered, help), on_find_change=act)


def described(text: str, offered: Sequence[str], help: str) -> dict[str, Any]:
    """Return the data for the browser: ``FindData`` in ``find_view.js``."""
    return {"text": text, "offered": list(offered), "help": help, "most": MOST_LENGTH}
