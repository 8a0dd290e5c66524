"""Sources of a query: images of the collection by name, an upload, the camera, or a web address."""

from __future__ import annotations

from urllib.parse import urlsplit

import numpy as np
import streamlit as st

from dashboards import state
from dashboards.services import search, words
from dashboards.services.answers import find
from dashboards.services.decided import known
from dashboards.services.query_text import Term
from dashboards.services.uploads import Refused
from dashboards.session import OpenModel
from dashboards.views.search import web
from dashboards.views.search.find_view import find_view
from dashboards.widgets.pictures.uploader import Ask, once, refuse, say_refused, take, upload
from dashboards.widgets.url_choice import choice

SOURCES = {"upload": "Upload", "camera": "Camera", "web": "Web"}


def sources(now: OpenModel, ask: Ask) -> None:
    """Show the sources; ``ask`` is called with the terms of a new query.

    Parameters
    ----------
    now : OpenModel
    ask : callable
        Puts the query into the URL.
    """
    _find(now, ask)
    offered = {name: title for name, title in SOURCES.items() if name != "web" or web.enabled()}
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        chosen = choice(
            "Search with",
            offered,
            "by",
            "upload",
            help="Pictures of yours, the camera, or a web address. They stay in this server's memory and are not "
            "stored; on this page, pictures can be dropped or pasted anywhere",
            hide_label=True,
        )
        st.button(
            "Random",
            icon=":material/casino:",
            on_click=_random,
            args=(now, ask),
            help="Search with some image that passes the filters",
        )
    if chosen != "upload":
        {"camera": _camera, "web": _web}[chosen](now, ask)
    upload(now.loaded, ask, chosen)
    say_refused(chosen)


def _find(now: OpenModel, ask: Ask) -> None:
    """Show the field that finds by words, and a button that asks with some image."""
    offered = find.offers(now.loaded, known(now.loaded).tagged)
    said = state.get("find") or state.get("words")
    text = next((name for name, text in offered.items() if text == said), said)
    find_view(
        text,
        list(offered),
        key="find",
        help="A part of a path, label or tag lists the images with it; a whole path, an id or a key searches with that "
        "image" + ("; other words search by what pictures show" if words.takes_words(now.loaded) else ""),
        on_find=lambda text: _found(now, ask, offered.get(text, text)),
    )


def _found(now: OpenModel, ask: Ask, text: str) -> None:
    row = now.loaded.row(text)
    if row is not None:
        ask([Term(row, 1.0)])
    elif words.takes_words(now.loaded) and not text.startswith((find.LABEL, find.TAG)):
        state.put(words=text, find=None, page=None)  # the pictures of the query are added to the words
    else:
        state.put(find=text, words=None, page=None)


def _random(now: OpenModel, ask: Ask) -> None:
    row = search.random_row(now.loaded, now.view.filters, int(np.random.default_rng().integers(2**31)))
    if row is None:
        st.toast("No image passes the filters.", icon=":material/filter_alt_off:")
    else:
        ask([Term(row, 1.0)])


def _camera(now: OpenModel, ask: Ask) -> None:
    shot = st.camera_input(
        "Camera",
        key=once("camera"),
        help="Take a photo and search with it. The browser asks for permission first",
        label_visibility="collapsed",
    )
    if shot is not None:
        take(now.loaded, ask, "camera", [("photo", shot.getvalue())])


def _web(now: OpenModel, ask: Ask) -> None:
    with st.form(once("web"), border=False):
        url = st.text_input(
            "Address of a picture",
            placeholder="https://…",
            max_chars=web.MOST_LENGTH,
            help="This server fetches it; private and local addresses are refused",
            label_visibility="collapsed",
        )
        asked = st.form_submit_button("Search", help="Fetch the picture and search with it", icon=":material/download:")
    if not asked or not url.strip():
        return
    name = urlsplit(url.strip()).path.rsplit("/", 1)[-1] or "picture"
    try:
        with st.spinner("Fetching the picture"):
            data = web.fetch(url.strip())
    except web.WebProblem as problem:
        refuse("web", [Refused(name, str(problem))])
    else:
        take(now.loaded, ask, "web", [(name, data)])
