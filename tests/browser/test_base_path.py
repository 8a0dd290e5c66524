"""The dashboard below a path, as behind a reverse proxy: every picture and file comes from below it."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests import dashboard_browser
from tests.dashboard_browser import HOST, ranks, settled

pytestmark = pytest.mark.slow

PAINTED = """() => {  // seven thumbnails, in the shadow roots of the page's components
    const roots = [...document.querySelectorAll(".stApp *")].map((e) => e.shadowRoot).filter(Boolean);
    return roots.flatMap((root) => [...root.querySelectorAll("img")]).filter((i) => i.naturalWidth > 0).length >= 7;
}"""


class Proxy(ThreadingTCPServer):
    """A reverse proxy: hands requests below ``base`` to ``port`` without it, WebSockets too."""

    daemon_threads = True

    def __init__(self, base: str, port: int) -> None:
        super().__init__((HOST, 0), Forward)
        self.base, self.port = base, port


class Forward(StreamRequestHandler):
    """One request of one connection."""

    server: Proxy

    def handle(self) -> None:
        """Hand it on, and copy both ways until one side ends."""
        head = b"".join(iter(self.rfile.readline, b"\r\n")).decode("latin-1")
        method, path, rest = head.split(" ", 2)
        if not path.startswith(self.server.base + "/"):
            self.wfile.write(b"HTTP/1.1 404 not below the path\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        if "upgrade: websocket" not in rest.lower():
            rest = re.sub(r"(?im)^connection:.*\r\n", "", rest) + "Connection: close\r\n"
        with closing(socket.create_connection((HOST, self.server.port))) as behind:
            behind.sendall(f"{method} {path.removeprefix(self.server.base)} {rest}\r\n".encode("latin-1"))
            Thread(target=self.send, args=(behind,), daemon=True).start()
            while data := behind.recv(65536):
                self.connection.sendall(data)

    def send(self, behind: socket.socket) -> None:
        """Copy what the browser sends, until either side is closed."""
        with suppress(OSError, ValueError):  # reading a closed file is a ValueError
            while data := self.rfile.read1(65536):
                behind.sendall(data)


@contextmanager
def proxy(base: str, port: int) -> Iterator[str]:
    """Address of a proxy for what listens on ``port``."""
    with Proxy(base, port) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{HOST}:{server.server_address[1]}{base}"
        server.shutdown()


def all_is_below(browser: Any, address: str) -> None:
    """Look at three pages; fail when anything that they ask for lies elsewhere or is refused."""
    strays: list[str] = []
    base = urlsplit(address).path + "/"

    def answered(response: Any) -> None:
        scheme, _, path, *_ = urlsplit(response.url)
        tried = "/_stcore/" in path  # by Streamlit, which looks for its server in several places
        if scheme == "http" and not tried and (response.status >= 400 or not path.startswith(base)):
            strays.append(f"{response.status} {response.url}")

    with closing(browser.new_context()) as context:
        context.set_default_timeout(60_000)
        page = context.new_page()
        page.on("response", answered)
        page.goto(f"{address}/?q=r7&k=7")
        assert len(ranks(page)) == 7
        assert page.url.startswith(f"{address}/search?q=r7&k=7&")
        page.wait_for_function(PAINTED)
        page.get_by_role("link", name="Map").click()
        page.locator("canvas").first.wait_for()
        settled(page)
        page.goto(f"{address}/walk?at=r7")
        page.locator(".neighbor img").first.wait_for()
        assert page.url.startswith(f"{address}/neighbours?at=r7"), "so this page is called now"
        settled(page)
    assert not strays


def test_streamlit_knows_the_path(chromium: Any, dashboard_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMLIT_SERVER_BASE_URL_PATH", "team/imgsim")
    with dashboard_browser.dashboard(dashboard_folder) as address:
        assert address.endswith("/team/imgsim")
        all_is_below(chromium, address)


def test_the_proxy_takes_the_path_away(chromium: Any, dashboard: str) -> None:
    with proxy("/photos", int(urlsplit(dashboard).port or 0)) as address:
        all_is_below(chromium, address)
