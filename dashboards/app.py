"""``streamlit run dashboards/app.py``: the pages of main.py, and files by URL."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from threading import Thread
from typing import Any
from urllib.parse import parse_qs

import streamlit as st
from starlette.middleware import Middleware
from starlette.responses import RedirectResponse
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send
from threadpoolctl import threadpool_limits

from dashboards.services import originals, thumbnails
from dashboards.services.answers.likeness import likeness
from dashboards.services.models import registry
from dashboards.services.page_names import RENAMED
from dashboards.services.saved.browser import named
from dashboards.views.map import places
from imgsim.errors import RegistryError
from imgsim.neighbors.faiss_calls import load_faiss


def _warm() -> None:
    """Import, open and measure what the first pages need, while the browser is still on its way."""
    with suppress(RegistryError):
        likeness(registry.load(registry.newest()))


@asynccontextmanager
async def _lifespan(app: Any) -> AsyncIterator[dict[str, Any]]:
    Thread(target=_warm, daemon=True).start()
    yield {}


def _moved(scope: Scope) -> str:
    """Return where an older link leads now; empty for other addresses.

    Such a link has a page's name of before, or the first page with a query, from when that page was Search.
    """
    query = scope["query_string"].decode("latin-1")
    page = RENAMED.get(scope["path"].removeprefix(f"{BASE}/"), "")
    if scope["path"] == f"{BASE}/" and not QUERY.isdisjoint(parse_qs(query)):
        page = "search"
    return f"./{page}" + (f"?{query}" if query else "") if page else ""


class Files:
    """Answers to `ROUTES` before Streamlit is asked: a file needs no session, cookie or compression.

    A click shows twenty thumbnails, and these cost the server more than the page that names them.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._files = Router(ROUTES, redirect_slashes=False, default=app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif moved := _moved(scope):
            await RedirectResponse(moved)(scope, receive, send)
        else:
            await self._files(scope, receive, named(scope, send, BASE))


def _failed(error: Exception) -> bool:
    """Tell the log what happened, and the browser only that something did."""
    import logging

    logging.getLogger("imgsim.dashboard").error("a page failed", exc_info=error)
    st.error("This page failed; the reason is in the dashboard's log. Reload it, or choose another page.")
    return True


os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")  # it would fill the log
load_faiss()  # a limit misses the BLAS of what is loaded later
threadpool_limits(1, "blas")  # a query is small: threads that wait for each other took 80 of 100 ms of CPU per click
BASE = f"/{st.get_option('server.baseUrlPath').strip('/')}".rstrip("/")
QUERY = frozenset(("q", "find", "words", "by", "trail"))
"""Parameters of the page Search alone."""
ROUTES = [
    Route(BASE + thumbnails.ROUTE, thumbnails.answer),
    Route(BASE + originals.ROUTE, originals.answer),
    Route(BASE + places.FILES, places.answer),
    Route(BASE + places.NAMES, places.answer),
]
app = st.App("main.py", middleware=[Middleware(Files)], lifespan=_lifespan, on_script_error=_failed)
