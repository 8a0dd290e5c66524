"""``streamlit run dashboards/app.py``: the pages of main.py, and thumbnails by URL."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from threading import Thread
from typing import Any

import streamlit as st
from starlette.routing import Route
from streamlit.runtime.pages_manager import PagesManager

from dashboards.services import map, thumbnails


def _warm() -> None:
    """Import what the first page needs, while the browser is still on its way."""
    import mlflow.artifacts
    import mlflow.tracking  # noqa: F401

    import imgsim.mlflow_flavor
    import imgsim.persistence  # noqa: F401


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


# Until st.navigation has run once, Streamlit takes a folder "pages" for its older kind of pages and would run the file
# that a link names without main.py: the first visitor of a fresh server would see an error.
PagesManager.uses_pages_directory = False
ROUTES = [
    Route(thumbnails.ROUTE, thumbnails.answer),
    Route(map.FILES, map.answer),
    Route(map.NAMES, map.answer),
]
app = st.App("main.py", routes=ROUTES, lifespan=_lifespan, on_script_error=_failed)
