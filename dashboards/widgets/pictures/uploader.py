"""Field for pictures of the user, which also takes what is dropped or pasted anywhere on its page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import streamlit as st

from dashboards.markdown import plain
from dashboards.services import uploads
from dashboards.services.models.loaded_model import Loaded
from dashboards.services.query_text import PICTURE, Term
from dashboards.services.uploads import Refused
from dashboards.widgets.component import component
from dashboards.widgets.pictures import shelf
from imgsim.decoding.formats import EXTENSIONS

_REFUSED, _REFUSED_BY, _TURN = "refused-pictures", "refused-by", "source-turn"

Ask = Callable[[list[Term]], None]

_component = component(__file__)


def upload(loaded: Loaded, ask: Ask, source: str = "upload") -> None:
    """Show the field; pictures that are dropped or pasted anywhere on the page come in by it.

    Parameters
    ----------
    loaded : Loaded
    ask : callable
        Called with the terms of the pictures; it may leave the page.
    source : str
        What the user sees: with another one than ``"upload"`` the field is hidden, and still takes what is dropped.
    """
    limits = uploads.Limits()
    with st.container(key="uploader" if source == "upload" else "uploader-hidden"):
        files = st.file_uploader(
            "Pictures",
            type=sorted(EXTENSIONS),
            accept_multiple_files=True,
            key=once("upload"),
            help=f"Up to {limits.files} pictures of {limits.bytes / 1e6:.0f} MB; several together make one query. They "
            "can be dropped anywhere on this page, or pasted with Ctrl+V",
            label_visibility="collapsed",
        )
        _component(key="drop", data={"words": "Drop pictures to search with them"})
    if files:
        take(loaded, ask, source, [(file.name, file.getvalue()) for file in files])


def once(source: str) -> str:
    """Make a key that is new after each picture, so that its widget is empty again."""
    return f"{source}-{st.session_state.get(_TURN, 0)}"


def take(loaded: Loaded, ask: Ask, source: str, files: Sequence[tuple[str, bytes]]) -> None:
    """Read files, ask with the pictures among them, keep why others were refused, and run the page anew."""
    count = len(files)
    with st.spinner("Reading the picture" if count == 1 else f"Reading {count} pictures", show_time=True):
        keys, refused = shelf.take(loaded, files)
    st.session_state[_TURN] = st.session_state.get(_TURN, 0) + 1
    try:
        if keys:
            ask([Term(PICTURE, 1.0, picture=key) for key in keys])
    finally:  # it may open another page
        refuse(source, refused)
    st.rerun()


def refuse(source: str, refused: list[Refused]) -> None:
    """Keep what was refused, to say so until something else is asked or another source is chosen."""
    st.session_state[_REFUSED], st.session_state[_REFUSED_BY] = refused, source


def forget_refused() -> None:
    """Say no more about pictures that were refused."""
    st.session_state.pop(_REFUSED, None)


def say_refused(source: str) -> None:
    """Say which pictures of a source were refused, and why; those of another source are forgotten."""
    if st.session_state.get(_REFUSED_BY) != source:
        forget_refused()
    for refused in cast(list[Refused], st.session_state.get(_REFUSED, [])):
        st.error(f"{plain(refused.name)}: {plain(refused.reason)}", icon=":material/broken_image:")
