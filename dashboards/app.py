"""``streamlit run dashboards/app.py``: the pages of main.py, and thumbnails by URL."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from threading import Thread
from typing import Any

import streamlit as st
from starlette.routing import Route
from streamlit.runtime.pages_manager import PagesManager

from dashboards.services import map, registry, thumbnails
from dashboards.services.registry import RegistryProblem


def _warm() -> None:
    """Import and open what the first page needs, while the browser is still on its way."""
    with suppress(RegistryProblem):
        registry.load(registry.newest())


@asynccontextmanager
async def _lifespan(app: Any) -> AsyncIterator[dict[str, Any]]:
    Thread(target=_warm, daemon=True).start()
    yield {}


def _failed(error: Exception) -> bool:
    """Tell the log what happened, and the browser only that something did."""
    import logging

    logging.getLogger("imgsim.dashboard").error("a page failed", exc_info=error)
    st.error("This page failed; the reason is in the dashboard's log. Reload it, or choose another page.")
    return True


os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")  # it would fill the log
# Until st.navigation has run once, Streamlit takes a folder "pages" for its older kind of pages and would run the file
# that a link names without main.py: the first visitor of a fresh server would see an error.
PagesManager.uses_pages_directory = False
ROUTES = [
    Route(thumbnails.ROUTE, thumbnails.answer),
    Route(map.FILES, map.answer),
    Route(map.NAMES, map.answer),
]
app = st.App("main.py", routes=ROUTES, lifespan=_lifespan, on_script_error=_failed)
