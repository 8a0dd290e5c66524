"""Clients that keep a server busy: HTTP requests to a served model, and sessions of the dashboard by its websocket."""

from __future__ import annotations

import base64
import json
import re
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

SECONDS = 120.0
THUMBNAIL = re.compile(rb"thumbnails/[\w-]+/\d+\.jpg")
SHOWN = 20


class Client(Protocol):
    """One user: ``ask`` returns when the whole answer is there, and raises when there is none."""

    def ask(self) -> None:
        """Ask once."""

    def close(self) -> None:
        """Leave."""


class Serving:
    """Asks a served model for the nearest images of a photo, sent as base64."""

    def __init__(self, address: str, photos: list[Path], first: int) -> None:
        self._connection = HTTPConnection(urlsplit(address).netloc, timeout=SECONDS)
        self._bodies = [_body(path) for path in photos]
        self._turns = count(first)

    def ask(self) -> None:
        """Ask with the next photo."""
        body = self._bodies[next(self._turns) % len(self._bodies)]
        self._connection.request("POST", "/invocations", body, {"Content-Type": "application/json"})
        answer = self._connection.getresponse()
        content = answer.read()
        rows = json.loads(content).get("predictions", []) if answer.status == 200 else []
        if [row["rank"] for row in rows if row["error"] is None] != list(range(1, 11)):
            raise ValueError(f"{answer.status}: {content[:300]!r}")

    def close(self) -> None:
        """End the connection."""
        self._connection.close()


def _body(photo: Path) -> bytes:
    data = base64.b64encode(photo.read_bytes()).decode()
    return json.dumps({"dataframe_records": [{"image": data}], "params": {"k": 10}}).encode()


class Session:
    """A session of the dashboard: asks for the neighbours of an image by its id, and fetches their thumbnails."""

    def __init__(self, address: str, ids: list[int], first: int) -> None:
        self._ids, self._turns = ids, count(first)
        self._files = HTTPConnection(urlsplit(address).netloc, timeout=SECONDS)
        stream = f"ws://{urlsplit(address).netloc}/_stcore/stream"
        self._socket = connect(
            stream, subprotocols=["streamlit"], open_timeout=SECONDS, max_size=None, ping_interval=None
        )
        self._said = ""

    def ask(self) -> None:
        """Run the page for the next image."""
        message = BackMsg()
        message.rerun_script.query_string = f"q={self._ids[next(self._turns) % len(self._ids)]}"
        self._socket.send(message.SerializeToString())
        pictures = self._answer()
        if not pictures:
            raise ValueError(f"no pictures in the answer: {self._said[:300]}")
        for path in pictures[:SHOWN]:
            self._fetch(path)

    def _answer(self) -> list[str]:
        """Addresses of the pictures in the messages up to the end of the script."""
        found: dict[str, None] = {}
        while True:
            data = self._socket.recv(SECONDS)
            found |= dict.fromkeys(path.decode() for path in THUMBNAIL.findall(data))
            message = ForwardMsg.FromString(data)
            element = message.delta.new_element
            if element.HasField("exception"):
                raise ValueError(element.exception.message)
            if element.HasField("alert"):
                self._said = element.alert.body
            if message.WhichOneof("type") == "script_finished":
                return list(found)

    def _fetch(self, path: str) -> None:
        self._files.request("GET", f"/{path}")
        answer = self._files.getresponse()
        if answer.status != 200 or not answer.read().startswith(b"\xff\xd8"):
            raise ValueError(f"{path}: {answer.status}")

    def close(self) -> None:
        """End the session."""
        self._socket.close()
        self._files.close()
