"""The bar at the bottom of every page while pictures are selected: label, tag, basket, alike, search, export."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import streamlit as st

from dashboards import state
from dashboards.markdown import plain
from dashboards.services import tables
from dashboards.services.decided import names
from dashboards.services.format import counted
from dashboards.services.models.loaded_model import Loaded
from dashboards.services.query_text import MOST_TERMS, Term, format_terms
from dashboards.widgets.component import component
from dashboards.widgets.decisions.bulk import MOST_PAIRED, Request, carry_out, parse
from dashboards.widgets.gallery import place
from imgsim.errors import ImgsimError

KEY = "bulk-bar"
MOST_NAMES = 1000
"""Labels, and tags, that the fields propose."""
_STATE = "bulk-requests"
_component = component(__file__)


@dataclass
class Requests:
    """Requests of this session: the last that was carried out, whether it was refused, and what the page shall do."""

    handled: int = 0
    done: bool = True
    page: Request | None = None


def bulk_bar(loaded: Loaded) -> None:
    """Put the bar on a page, and carry out what it asks for; this may leave the page.

    Parameters
    ----------
    loaded : Loaded
        The opened version, whose pictures are selected.
    """
    request = _requests().page
    _requests().page = None
    try:
        labels, tags = names(loaded)
    except ImgsimError as problem:  # the pages then show nothing that was decided
        st.warning(plain(problem), icon=":material/database_off:")
        labels, tags = loaded.labels, ()
    _component(
        key=KEY,
        data=described(loaded, labels, tags, request),
        on_act_change=_act(loaded),
        width="content",
        height="content",
    )
    if request is not None and request.kind == "search":
        terms = [Term(row, 1.0) for row in request.rows[:MOST_TERMS]]
        if len(request.rows) > MOST_TERMS:
            st.toast(f"A query holds up to {MOST_TERMS} images: these are the first.", icon=":material/image_search:")
        state.go("search", q=format_terms(loaded, terms))


def described(loaded: Loaded, labels: Sequence[str], tags: Sequence[str], request: Request | None) -> dict[str, Any]:
    """Return the data for the browser: ``BulkData`` in ``bulk_bar.js``."""
    return {
        "place": place(loaded),
        "labels": list(labels[:MOST_NAMES]),
        "tags": list(tags[:MOST_NAMES]),
        "most": MOST_PAIRED,
        "handled": _requests().handled,
        "done": _requests().done,
        "file": _file(loaded, request) if request is not None and request.kind == "export" else None,
    }


def _file(loaded: Loaded, request: Request) -> dict[str, Any]:
    table = tables.image_table([tables.Share(loaded, request.rows)])
    text = tables.image_csv(table).decode("utf-8")
    return {
        "number": request.number,
        "name": f"{counted(len(request.rows), 'image').replace(' ', '-')}.csv",
        "text": text,
    }


def _act(loaded: Loaded) -> Callable[[], None]:
    """Return a callback that carries out a request before the page runs; the browser may send it more than once."""

    def act() -> None:
        request = parse(cast(dict[str, Any], st.session_state[KEY]).get("act"), len(loaded))
        requests = _requests()
        if request is None or request.number <= requests.handled:
            return
        requests.done = carry_out(loaded, request)
        requests.handled = request.number
        if request.kind in ("search", "export"):
            requests.page = request

    return act


def _requests() -> Requests:
    return cast(Requests, st.session_state.setdefault(_STATE, Requests()))
