"""Search: the nearest images of an image, a part of it, uploads, or several at once."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import streamlit as st

from dashboards import state
from dashboards.markdown import plain
from dashboards.services import query, search, words
from dashboards.services.filters import Filters
from dashboards.services.format import visible
from dashboards.services.query_text import (
    LESS,
    MORE,
    PICTURE,
    Crop,
    Term,
    format_terms,
    is_picture_key,
    parse_terms,
    steered,
)
from dashboards.services.search import Vector
from dashboards.services.thumbnails import thumbnail_url
from dashboards.services.uploads import Refused
from dashboards.session import OpenModel, current, replaced
from dashboards.views.search.crop_view import crop_view
from dashboards.views.search.query_view import Step, picture_uri, query_view
from dashboards.views.search.sources import sources
from dashboards.widgets import sidebar
from dashboards.widgets.answer import Steer, answer, found, offer_list
from dashboards.widgets.details import handle
from dashboards.widgets.gallery import Action
from dashboards.widgets.pictures import shelf as pictures
from dashboards.widgets.pictures.uploader import forget_refused
from dashboards.widgets.sidebar import ANSWERS
from dashboards.widgets.unknown import say_unknown

_CROPPING = "cropping"


@st.fragment
def page(now: OpenModel) -> None:
    """Show the query on the left, the answer on the right; a click here reruns neither sidebar nor navigation."""
    if replaced(now) or _changed(now):
        st.rerun()
    if not len(now.loaded):
        st.info("This version holds no images. Run the pipeline on a folder with pictures.", icon=":material/search:")
        return
    terms, missing = _asked(now)
    said = _said(now)
    left, right = st.container(key="search").columns([2, 5], gap="medium")
    with left, st.container(key="query"):
        sources(now, partial(_ask, now))
        vector_of = partial(pictures.vector, now.loaded, in_words=said is not None)
        asked, refused = query.build_query(now.loaded, terms, pictures.shelf(), vector_of, said)
        _query(now, terms, [term for term, _ in refused])
    with right:
        _absent(now, missing, not terms and said is None)
        for _, item in refused:
            st.error(f"{plain(item.name)}: {plain(item.reason)}", icon=":material/broken_image:")
        if said is not None and not state.get("find"):
            offer_list(now, state.get("words"))
        if state.get("find"):
            found(now, _steer(now))
        elif asked is not None:
            answer(now, asked, _steer(now), example=not state.get("q") and said is None, yours=_yours(now, terms))


def _changed(now: OpenModel) -> bool:
    """Tell whether an action here changed what the sidebar shows, which a fragment may not write to."""
    return replace(state.read(), model=now.view.model, version=now.view.version) != now.view


def _yours(now: OpenModel, terms: list[Term]) -> dict[int, str] | None:
    """Find the pictures of the user in the collection, and say where; None where none is asked with."""
    keys = [term.picture for term in terms if term.row == PICTURE and term.weight > 0]
    if not keys:
        return None
    known: dict[int, str] = {}
    for key in keys:
        stored = pictures.stored(now.loaded, key)
        if stored is None:
            continue
        known[stored.row] = stored.kind
        path = visible(now.loaded.model.images.paths[stored.row])
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(
                f"{plain(pictures.shelf()[key].name)} is in this collection ({stored.kind}): {plain(path)}",
                width="stretch",
            )
            st.button(
                "Search with the stored one",
                key=f"stored-{key}",
                on_click=_ask,
                args=(now, [Term(stored.row, 1.0)]),
                help="In place of your picture",
            )
    return known


def _said(now: OpenModel) -> Vector | None:
    """Return the vector of the words in the URL, or None; says why where there is none."""
    text = state.get("words").strip()
    if not text:
        return None
    if not words.takes_words(now.loaded):
        st.warning(
            "This version's network has no text tower, so it cannot be searched in words.", icon=":material/chat:"
        )
        return None
    found = words.vector_of_words(now.loaded, text)
    if isinstance(found, Refused):
        st.error(f"{plain(found.name)}: {plain(found.reason)}", icon=":material/chat:")
        return None
    return found


def _asked(now: OpenModel) -> tuple[list[Term], list[str]]:
    """Read the query of the URL, or an example, and the names in it that are unknown here."""
    text = state.get("q")
    if text or (state.get("words") and words.takes_words(now.loaded)):
        return parse_terms(now.loaded, text, pictures.shelf())
    row = search.random_row(now.loaded, Filters(), seed=1)
    return ([] if row is None else [Term(row, 1.0)]), []


def _query(now: OpenModel, terms: list[Term], unread: list[Term]) -> None:
    """Show the query itself, or the one of its pictures that is being cropped."""
    place = st.session_state.get(_CROPPING)
    if place is not None and place < len(terms):
        _crop(now, terms, place)
    else:
        past = query.past(state.get("trail"))
        row = query_view(now.loaded, terms, past, key="terms", on_step=partial(_step, now), unread=unread)
        handle(now, None if row is None else Action("details", row))


def _crop(now: OpenModel, terms: list[Term], place: int) -> None:
    term = terms[place]
    if term.row == PICTURE:
        picture = pictures.shelf()[term.picture]
        src, name = picture_uri(picture.tile), picture.name
    else:
        src, name = thumbnail_url(now.loaded, term.row), visible(now.loaded.model.images.paths[term.row])
    crop_view(src, name, term.crop, key="crop", on_crop=partial(_put_crop, now, place))
    st.button(
        "Done",
        icon=":material/check:",
        type="primary",
        on_click=partial(st.session_state.pop, _CROPPING, None),
        help="Close the picture; the answer counts the part inside the rectangle",
        width="stretch",
    )


def _absent(now: OpenModel, missing: list[str], nothing: bool) -> None:
    """Say which parts of the query this session or this version does not have."""
    session = [key for key in missing if is_picture_key(key)]
    others = [key for key in missing if key not in session]
    if session:
        what = "your upload" if len(session) == 1 else f"{len(session)} of your uploads"
        st.warning(
            f"This server no longer has {what}: it keeps the newest, until it is started again. Upload again.",
            icon=":material/cloud_off:",
        )
    if others:
        say_unknown(now, others)
    if nothing:
        st.button(
            "Show an example",
            on_click=partial(state.put, q=None, words=None),
            help="Search with an image that this version has",
        )


def _ask(now: OpenModel, terms: list[Term], keep_words: bool = False) -> None:
    """Make ``terms`` the query, with the words of the one before or without; that goes to the trail."""
    more: dict[str, None] = {} if keep_words else {"words": None}
    before, text = format_terms(now.loaded, _asked(now)[0]), format_terms(now.loaded, terms)
    state.put(q=text, trail=query.trail_after(state.get("trail"), before, text), find=None, page=None, **more)
    st.session_state.pop(_CROPPING, None)
    forget_refused()


def _steer(now: OpenModel) -> Steer:
    """Return the functions behind the tiles' actions, which take a row."""

    def add(weight: float, row: int) -> None:
        _ask(now, steered(_asked(now)[0], row, weight), keep_words=True)

    return {
        "query": lambda row: _ask(now, [Term(row, 1.0)]),
        "more": partial(add, MORE),
        "less": partial(add, LESS),
    }


def _put_crop(now: OpenModel, place: int, crop: Crop | None) -> None:
    terms, _ = _asked(now)
    if place < len(terms):
        terms[place] = replace(terms[place], crop=crop)
        state.put(q=format_terms(now.loaded, terms))


def _step(now: OpenModel, step: Step) -> None:
    """Carry out an action on the query's own buttons."""
    terms, _ = _asked(now)
    if step.kind == "back":
        text = query.past(state.get("trail"))[step.place]
        state.put(q=text, trail=query.trail_after(state.get("trail"), "", text))
    elif step.place >= len(terms):
        return
    elif step.kind == "only":
        _ask(now, [replace(terms[step.place], weight=1.0)])
    elif step.kind == "remove":
        _ask(now, [term for place, term in enumerate(terms) if place != step.place], keep_words=True)
    elif step.kind == "weight":
        terms[step.place] = replace(terms[step.place], weight=step.weight)
        state.put(q=format_terms(now.loaded, terms))
    elif step.kind == "whole":
        _put_crop(now, step.place, None)
    else:
        st.session_state[_CROPPING] = step.place


sidebar.choose_images(current(), *ANSWERS)  # a fragment may not write there
page(current())
