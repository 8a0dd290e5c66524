"""Search, the home page: the nearest images of an image, a part of it, uploads, or several at once."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import streamlit as st

from dashboards import state
from dashboards.markdown import plain
from dashboards.services import query, search
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
from dashboards.services.thumbnails import thumbnail_url
from dashboards.session import OpenModel, current, replaced
from dashboards.views.search import pictures
from dashboards.views.search.crop_view import crop_view
from dashboards.views.search.query_view import Step, picture_uri, query_view
from dashboards.views.search.sources import forget_refused, sources
from dashboards.widgets.answer import Steer, answer, found
from dashboards.widgets.details import handle
from dashboards.widgets.gallery import Action

_CROPPING = "cropping"
_STYLE = """<style>
@media (min-width: 641px) {
  .stColumn:has(.st-key-query) {
    position: sticky; top: 4.5rem; align-self: flex-start; max-height: calc(100vh - 5rem); overflow-y: auto;
  }
}
.st-key-choice-by button { padding-inline: 0.625rem; }
</style>"""


@st.fragment
def page(now: OpenModel) -> None:
    """Show the query on the left, the answer on the right; a click here reruns neither sidebar nor navigation."""
    if replaced(now):
        st.rerun()
    if not len(now.loaded):
        st.info("This version holds no images. Run the pipeline on a folder with pictures.", icon=":material/search:")
        return
    st.html(_STYLE)
    terms, missing = _asked(now)
    left, right = st.columns([2, 5], gap="medium")
    with left, st.container(key="query"):
        sources(now, partial(_ask, now))
        asked, refused = query.build_query(now.loaded, terms, pictures.shelf(), partial(pictures.vector, now.loaded))
        _query(now, terms, [term for term, _ in refused])
    with right:
        _absent(missing, not terms)
        for _, item in refused:
            st.error(f"{plain(item.name)}: {plain(item.reason)}", icon=":material/broken_image:")
        if state.get("find"):
            found(now, _steer(now))
        elif asked is not None:
            answer(now, asked, _steer(now), example=not state.get("q"))


def _asked(now: OpenModel) -> tuple[list[Term], list[str]]:
    """Read the query of the URL, or an example, and the names in it that are unknown here."""
    text = state.get("q")
    if text:
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


def _absent(missing: list[str], nothing: bool) -> None:
    """Say which parts of the query this session or this version does not have."""
    session = [key for key in missing if is_picture_key(key)]
    others = [plain(key) for key in missing if key not in session]
    if session:
        what = "a picture that was" if len(session) == 1 else f"{len(session)} pictures that were"
        st.warning(
            f"The link asks with {what} uploaded in another session, and uploads are not stored. Upload again to ask.",
            icon=":material/cloud_off:",
        )
    if others:
        st.warning(
            f"This version has no image called {', '.join(others)}. Find another one, or choose another version.",
            icon=":material/help:",
        )
    if nothing:
        st.button(
            "Show an example", on_click=partial(state.put, q=None), help="Ask with an image that this version has"
        )


def _ask(now: OpenModel, terms: list[Term]) -> None:
    """Make ``terms`` the query; the one before goes to the trail."""
    before, text = format_terms(now.loaded, _asked(now)[0]), format_terms(now.loaded, terms)
    state.put(q=text, trail=query.trail_after(state.get("trail"), before, text), find=None)
    st.session_state.pop(_CROPPING, None)
    forget_refused()


def _steer(now: OpenModel) -> Steer:
    """Return the functions behind the tiles' actions, which take a row."""

    def add(weight: float, row: int) -> None:
        _ask(now, steered(_asked(now)[0], row, weight))

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
        _ask(now, [term for place, term in enumerate(terms) if place != step.place])
    elif step.kind == "weight":
        terms[step.place] = replace(terms[step.place], weight=step.weight)
        state.put(q=format_terms(now.loaded, terms))
    elif step.kind == "whole":
        _put_crop(now, step.place, None)
    else:
        st.session_state[_CROPPING] = step.place


page(current())
