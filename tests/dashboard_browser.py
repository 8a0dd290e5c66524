"""A Chromium of this machine, and a dashboard as ``imgsim ui`` starts it; for tests and benchmarks."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from orchestration.commands.servers import Servers
from orchestration.commands.ui import services

HOST = "127.0.0.1"
ANSWER = '.tiles[aria-label="Nearest images"]'
TITLES = {
    "": "Start",
    "search": "Search",
    "browse": "Browse",
    "neighbours": "Neighbours",
    "map": "Map",
    "clusters": "Clusters",
    "evaluation": "Evaluation",
    "compare": "Compare",
    "tidy_up": "Tidy up",
    "phone_app": "Phone app",
    "basket": "Basket",
    "history": "History",
}
"""Pages by their names in addresses."""
NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]


def missing() -> str:
    """What is not there to drive a browser; empty when all is."""
    if not any(map(shutil.which, NAMES)):
        return f"no browser: none of {', '.join(NAMES)} is on the PATH"
    try:
        import playwright  # noqa: F401
    except ImportError:
        return "no playwright: pip install playwright"
    return ""


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@contextmanager
def chromium() -> Iterator[Any]:
    """The browser. Playwright occupies the event loop of this thread meanwhile."""
    from playwright.sync_api import sync_playwright

    path = next(filter(None, map(shutil.which, NAMES)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def dashboard(folder: Path, decisions: Path | None = None) -> Iterator[str]:
    """Address of a dashboard over the registry ``mlflow.db`` in ``folder``, which is its home too."""
    wanted = [service for service in services(0, 0, free_port()) if service.name == "Dashboard"]
    place = {"IMGSIM_HOME": str(folder), "MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'mlflow.db'}"}
    if decisions is not None:
        place["IMGSIM_DECISIONS"] = str(decisions)
    servers = Servers(wanted, folder / "logs")
    try:
        servers.start({**os.environ, **place})
        servers.announce()
        yield wanted[0].url
    finally:
        servers.stop()


def asked(page: Any, name: str) -> str:
    """A parameter of the page's address."""
    return parse_qs(urlsplit(page.url).query).get(name, [""])[0]


def wait_for(page: Any, name: str, differs_from: str) -> str:
    """Wait until a parameter of the address is there and another one; gives the new value."""
    page.wait_for_url(lambda url: parse_qs(urlsplit(url).query).get(name, [""])[0] not in ("", differs_from))
    return asked(page, name)


def settled(page: Any) -> None:
    """Wait until the page has run."""
    page.locator('.stApp[data-test-script-state="notRunning"]').wait_for()


def choose_first_row(page: Any) -> None:
    """Click on a figure in the first row of the page's first table, once it is drawn and lies still."""
    table = page.get_by_test_id("stDataFrame").first
    table.locator("[role=gridcell]").first.wait_for(state="attached")
    settled(page)
    table.click(position={"x": 300, "y": 38 + 17})


def ranks(page: Any) -> list[str]:
    """Read what the tiles of the answer say, in order."""
    page.locator(f"{ANSWER} .tile").first.wait_for()
    settled(page)
    main = page.locator(f"{ANSWER} .main")
    return [button.get_attribute("aria-label") for button in main.all()]
