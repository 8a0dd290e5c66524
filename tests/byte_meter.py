"""A proxy before a server on loopback that counts the bytes that pass."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Meter:
    """Bytes in both directions since `reset`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.moved = 0

    def reset(self) -> None:
        """Start again at 0."""
        self.moved = 0

    def pump(self, source: socket.socket, target: socket.socket) -> None:
        """Copy until the source ends."""
        with suppress(OSError):
            while data := source.recv(1 << 16):
                with self._lock:
                    self.moved += len(data)
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def relay(self, client: socket.socket, server: socket.socket) -> None:
        """Copy in both directions until both end."""
        with client, server:
            back = threading.Thread(target=self.pump, args=(server, client), daemon=True)
            back.start()
            self.pump(client, server)
            back.join()


@contextmanager
def metered(address: str) -> Iterator[tuple[str, Meter]]:
    """Yield the address of a proxy of ``http://host:port``, and what it counts."""
    host, port = address.removeprefix("http://").split(":")
    meter = Meter()

    def serve() -> None:
        with suppress(OSError):  # closed
            while True:
                client, _ = listener.accept()
                server = socket.create_connection((host, int(port)))
                threading.Thread(target=meter.relay, args=(client, server), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", meter
        listener.shutdown(socket.SHUT_RDWR)
