"""An MLflow server that is not there, goes away, is slow, or answers with errors: a proxy before a real one."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from orchestration.commands.servers import Servers, Service
from tests.dashboard_browser import HOST, free_port

HOP = {"connection", "transfer-encoding", "content-length", "keep-alive"}


class Proxy(ThreadingHTTPServer):
    """Passes requests on to ``upstream``, or hurts them: ``mode`` is pass, slow, gone, or a status such as 500."""

    daemon_threads = True

    def __init__(self, upstream: str = "", mode: str = "pass", seconds: float = 0.0) -> None:
        super().__init__((HOST, 0), _Handler)
        self.upstream, self.mode, self.seconds = upstream, mode, seconds
        self.hurt = 0
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"http://{HOST}:{self.server_port}"

    def close(self) -> None:
        """Answer no more."""
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Proxy

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.server.mode != "pass":
            self.server.hurt += 1
        if self.server.mode == "slow":
            time.sleep(self.server.seconds)
        if self.server.mode == "gone":
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        elif self.server.mode.isdigit():
            self._answer(int(self.server.mode), [("Content-Type", "text/html")], b"<h1>Server Error</h1>")
        else:
            self._ask(body)

    def _ask(self, body: bytes) -> None:
        host = self.server.upstream.removeprefix("http://")
        connection = HTTPConnection(host, timeout=120)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in {*HOP, "host"}}
        connection.request(self.command, self.path, body, headers | {"Host": host})
        answer = connection.getresponse()
        content = answer.read()
        kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in HOP]
        connection.close()
        self._answer(answer.status, kept, content)

    def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _pass  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def mlflow_server(folder: Path) -> Iterator[str]:
    """A real MLflow server with a database of its own, ``mlflow.db`` in ``folder``; gives its address."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    store = ["--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"]
    artifacts = ["--artifacts-destination", (folder / "mlartifacts").as_uri()]
    at = ["--workers", "1", "--host", HOST, "--port", str(port)]
    command = [sys.executable, "-m", "mlflow", "server", *store, *artifacts, *at]
    servers = Servers([Service("MLflow", port, command, "--mlflow-port", "/health")], folder)
    try:
        servers.start(dict(os.environ))
        servers.announce()
        yield f"http://{HOST}:{port}"
    finally:
        servers.stop()
