"""One Chromium and one dashboard over a real registry; each test gets a browser profile that is watched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests import dashboard_browser
from tests.dashboard_browser import HOST

HERE = Path(__file__).parent
SECONDS = 60


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let a test of a browser that waited in vain try once more, as Playwright advises for CI; ``-ra`` names it."""
    for item in items:
        if item.path.parent == HERE:
            item.add_marker(pytest.mark.flaky(reruns=1, only_rerun=["TimeoutError"]))


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """Chromium of this machine; it ends with the module, as other tests need the event loop."""
    reason = dashboard_browser.missing()
    if reason:
        pytest.skip(reason)
    with dashboard_browser.chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def decisions_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the decisions of a module are."""
    return tmp_path_factory.mktemp("decisions") / "decisions.db"


@pytest.fixture(scope="module")
def dashboard(dashboard_folder: Path, decisions_file: Path) -> Iterator[str]:
    """Address of a dashboard over ``imgsim-tiny`` where nobody decided or saved anything before this module."""
    (dashboard_folder / "dashboard.db").unlink(missing_ok=True)
    with dashboard_browser.dashboard(dashboard_folder, decisions_file) as address:
        yield address


@pytest.fixture
def visit(chromium: Any, dashboard: str) -> Iterator[Callable[..., Any]]:
    """``visit("/neighbours?at=...", color_scheme="dark")``: a page, by default Search, in a fresh profile.

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

    def open_page(path: str = "/search", **options: Any) -> Any:
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
