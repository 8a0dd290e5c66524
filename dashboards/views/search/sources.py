"""Sources of a query: an image of the collection, an upload, the camera, or a web address."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast
from urllib.parse import urlsplit

import numpy as np
import streamlit as st

from dashboards import state
from dashboards.markdown import plain
from dashboards.services import search, uploads
from dashboards.services.query_text import PICTURE, Term
from dashboards.services.uploads import Refused
from dashboards.session import OpenModel
from dashboards.views.search import pictures, web
from dashboards.widgets.url_choice import choice
from imgsim.decoding.formats import EXTENSIONS

SOURCES = {"find": "Find", "upload": "Upload", "camera": "Camera", "web": "Web"}
_REFUSED, _TURN = "refused-pictures", "source-turn"

Ask = Callable[[list[Term]], None]


def sources(now: OpenModel, ask: Ask) -> None:
    """Show the sources; ``ask`` is called with the terms of a new query.

    Parameters
    ----------
    now : OpenModel
    ask : callable
        Puts the query into the URL.
    """
    offered = {name: title for name, title in SOURCES.items() if name != "web" or web.enabled()}
    chosen = choice(
        "Ask with",
        offered,
        "by",
        "find",
        help="An image of the collection, pictures of yours, the camera, or a web address. "
        "Pictures of yours stay in this session and are not stored",
        hide_label=True,
    )
    {"find": _find, "upload": _upload, "camera": _camera, "web": _web}[chosen](now, ask)
    for refused in cast(list[Refused], st.session_state.get(_REFUSED, [])):
        st.error(f"{plain(refused.name)}: {plain(refused.reason)}", icon=":material/broken_image:")


def _find(now: OpenModel, ask: Ask) -> None:
    state.sync("find", state.get("find"))
    with st.container(horizontal=True, gap="small", wrap=False):
        st.text_input(
            "Path, id or key",
            key="find",
            placeholder="path or id",
            on_change=_found,
            args=(now, ask),
            help="A part of a path lists the images that have it; a whole path, an id or a key asks with that image",
            label_visibility="collapsed",
        )
        st.button(
            "Random",
            icon=":material/casino:",
            on_click=_random,
            args=(now, ask),
            help="Ask with some image that passes the filters",
        )


def _found(now: OpenModel, ask: Ask) -> None:
    text = str(st.session_state["find"]).strip()
    rows, count = search.find_rows(now.loaded, text, most=1)
    if count == 1:
        ask([Term(rows[0], 1.0)])
    else:
        state.put(find=text)


def _random(now: OpenModel, ask: Ask) -> None:
    row = search.random_row(now.loaded, now.view.filters, int(np.random.default_rng().integers(2**31)))
    if row is None:
        st.toast("No image passes the filters.", icon=":material/filter_alt_off:")
    else:
        ask([Term(row, 1.0)])


def _upload(now: OpenModel, ask: Ask) -> None:
    limits = uploads.Limits()
    files = st.file_uploader(
        "Pictures",
        type=sorted(EXTENSIONS),
        accept_multiple_files=True,
        key=_once("upload"),
        help=f"Up to {limits.files} pictures of {limits.bytes / 1e6:.0f} MB; several together make one query",
        label_visibility="collapsed",
    )
    if files:
        _take(now, ask, [(file.name, file.getvalue()) for file in files])


def _camera(now: OpenModel, ask: Ask) -> None:
    shot = st.camera_input(
        "Camera",
        key=_once("camera"),
        help="Take a photo and ask with it. The browser asks for permission first",
        label_visibility="collapsed",
    )
    if shot is not None:
        _take(now, ask, [("photo", shot.getvalue())])


def _web(now: OpenModel, ask: Ask) -> None:
    with st.form(_once("web"), border=False):
        url = st.text_input(
            "Address of a picture",
            placeholder="https://…",
            max_chars=web.MOST_LENGTH,
            help="This server fetches it; private and local addresses are refused",
            label_visibility="collapsed",
        )
        asked = st.form_submit_button("Ask", help="Fetch the picture and ask with it", icon=":material/download:")
    if not asked or not url.strip():
        return
    name = urlsplit(url.strip()).path.rsplit("/", 1)[-1] or "picture"
    try:
        with st.spinner("Fetching the picture"):
            data = web.fetch(url.strip())
    except web.WebProblem as problem:
        st.session_state[_REFUSED] = [Refused(name, str(problem))]
    else:
        _take(now, ask, [(name, data)])


def _once(source: str) -> str:
    """Make a key that is new after each picture, so that its widget is empty again."""
    return f"{source}-{st.session_state.get(_TURN, 0)}"


def _take(now: OpenModel, ask: Ask, files: Sequence[tuple[str, bytes]]) -> None:
    count = len(files)
    with st.spinner("Reading the picture" if count == 1 else f"Reading {count} pictures", show_time=True):
        keys, refused = pictures.take(now.loaded, files)
    st.session_state[_TURN] = st.session_state.get(_TURN, 0) + 1
    if keys:
        ask([Term(PICTURE, 1.0, picture=key) for key in keys])
    st.session_state[_REFUSED] = refused
    st.rerun()


def forget_refused() -> None:
    """Say no more about pictures that were refused."""
    st.session_state.pop(_REFUSED, None)
