"""One Chromium and one dashboard over a real registry; each test gets a browser profile that is watched."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from orchestration import ui

sync_api = pytest.importorskip("playwright.sync_api", reason="no playwright: pip install playwright")

HOST = "127.0.0.1"
SECONDS = 60
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """Chromium of this machine. Playwright occupies the thread's event loop, so it ends with the module."""
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.skip(f"no browser: none of {', '.join(names)} is on the PATH")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def dashboard(dashboard_folder: Path) -> Iterator[str]:
    """Address of a dashboard over ``imgsim-tiny``, started as ``make ui`` starts it."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    wanted = [service for service in ui.services(0, 0, port) if service.name == "Dashboard"]
    place = {"IMGSIM_HOME": str(dashboard_folder), "MLFLOW_TRACKING_URI": f"sqlite:///{dashboard_folder / 'mlflow.db'}"}
    servers = ui.Servers(wanted, dashboard_folder / "logs")
    try:
        servers.start({**os.environ, **place})
        servers.announce()
        yield wanted[0].url
    finally:
        servers.stop()


@pytest.fixture
def visit(chromium: Any, dashboard: str) -> Iterator[Callable[..., Any]]:
    """``visit("/walk?at=...", color_scheme="dark")``: a page in a fresh profile.

    At the end the test fails when any page wrote an error to the console, opened a dialog, or asked another host.
    """
    contexts, problems = [], []

    def watched(page: Any) -> None:
        page.on("pageerror", lambda error: problems.append(f"error in a script: {error}"))
        page.on("dialog", lambda dialog: (problems.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("console", said)
        page.on("request", lambda request: asked(request.url))
        page.on("websocket", lambda socket: asked(socket.url))

    def said(message: Any) -> None:
        looking = "/_stcore/" in message.location["url"]  # of a link to a page Streamlit tries where its server is
        if message.type == "error" and not looking:
            problems.append(f"console: {message.text}")

    def asked(url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob") and parts.hostname != HOST:
            problems.append(f"asked another host: {url}")

    def open_page(path: str = "/", **options: Any) -> Any:
        context = chromium.new_context(**({"viewport": {"width": 1280, "height": 900}} | options))
        context.set_default_timeout(SECONDS * 1000)
        context.on("page", watched)
        contexts.append(context)
        page = context.new_page()
        page.goto(dashboard + path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not problems
