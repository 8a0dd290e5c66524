"""Person who decides: who is logged in, else the name that was given in this browser, else the server's login name."""

from __future__ import annotations

from typing import cast
from urllib.parse import unquote

import streamlit as st

COOKIE = "imgsim-person"
"""Keeps the name until the browser is closed; the shell in the browser writes it."""
LONGEST = 80
_NAME, _NEW = "person", "person-new"


def logged_in() -> str | None:
    """Return who is logged in to Streamlit: the address, else the name; None where nobody has to."""
    if not st.user.get("is_logged_in"):
        return None
    return cast("str | None", st.user.get("email") or st.user.get("name"))


def given() -> str:
    """Return the name that was given in this browser; empty if there is none."""
    if _NAME not in st.session_state:
        st.session_state[_NAME] = _clean(unquote(st.context.cookies.get(COOKIE, "")))
    return cast(str, st.session_state[_NAME])


def give(name: str) -> None:
    """Take a name for all decisions of this browser; an empty one: the login name of the server."""
    st.session_state[_NAME] = st.session_state[_NEW] = _clean(name)


def to_keep() -> str | None:
    """Return the name that the browser shall keep: the one given in this session, if one was."""
    return cast("str | None", st.session_state.get(_NEW))


def person() -> str | None:
    """Return who decides; None for the login name of the server."""
    return logged_in() or given() or None


def _clean(name: str) -> str:
    return "".join(letter for letter in name if letter.isprintable()).strip()[:LONGEST]
