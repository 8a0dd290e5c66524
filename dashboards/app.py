"""``streamlit run dashboards/app.py``: the pages of main.py, and files by URL."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from threading import Thread
from typing import Any

import streamlit as st
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send
from threadpoolctl import threadpool_limits

from dashboards.services import thumbnails
from dashboards.services.models import registry
from dashboards.views.map import places
from imgsim.errors import RegistryError


def _warm() -> None:
    """Import and open what the first page needs, while the browser is still on its way."""
    with suppress(RegistryError):
        registry.load(registry.newest())


@asynccontextmanager
async def _lifespan(app: Any) -> AsyncIterator[dict[str, Any]]:
    Thread(target=_warm, daemon=True).start()
    yield {}


def _home(request: Request) -> RedirectResponse:
    """Redirect ``/search`` to ``/``, where the page Search is."""
    return RedirectResponse("./" + (f"?{request.url.query}" if request.url.query else ""))


class Files:
    """Answers to `ROUTES` before Streamlit is asked: a file needs no session, cookie or compression.

    A click shows twenty thumbnails, and these cost the server more than the page that names them.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._files = Router(ROUTES, redirect_slashes=False, default=app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand on."""
        await (self._files if scope["type"] == "http" else self._app)(scope, receive, send)


def _failed(error: Exception) -> bool:
    """Tell the log what happened, and the browser only that something did."""
    import logging

    logging.getLogger("imgsim.dashboard").error("a page failed", exc_info=error)
    st.error("This page failed; the reason is in the dashboard's log. Reload it, or choose another page.")
    return True


os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")  # it would fill the log
threadpool_limits(1, "blas")  # a query is small: threads that wait for each other took 80 of 100 ms of CPU per click
ROUTES = [
    Route("/search", _home),
    Route(thumbnails.ROUTE, thumbnails.answer),
    Route(places.FILES, places.answer),
    Route(places.NAMES, places.answer),
]
app = st.App("main.py", middleware=[Middleware(Files)], lifespan=_lifespan, on_script_error=_failed)
