"""Servers of ``imgsim ui``: processes that are started and stopped together."""

import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from imgsim.cli.console import note
from imgsim.errors import ImgsimError

HOST = "127.0.0.1"
STARTUP_SECONDS = 180.0
SHUTDOWN_SECONDS = 20.0


class ServerError(ImgsimError):
    """A server cannot be started or has ended; the message says what to do."""


@dataclass(frozen=True)
class Service:
    """A server: its command, its address, and the option of ``imgsim ui`` that moves it to another port."""

    name: str
    port: int
    command: list[str]
    option: str
    path: str = "/"

    @property
    def url(self) -> str:
        """Address for a browser."""
        return f"http://{HOST}:{self.port}"


def check_ports(wanted: list[Service]) -> None:
    """Check that nothing else listens on the ports.

    Raises
    ------
    ServerError
        Names the port and the option that chooses another.
    """
    for service in wanted:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, service.port))
            except OSError as error:
                raise ServerError(
                    f"port {service.port} for {service.name} is in use ({error.strerror}); stop what listens there or "
                    f"choose another: imgsim ui {service.option} {service.port + 1}"
                ) from error


class Servers:
    """Processes that are started and stopped together, each in a process group of its own."""

    def __init__(self, wanted: list[Service], logs: Path) -> None:
        self._wanted = wanted
        self._logs = logs
        self._running: list[tuple[Service, subprocess.Popen[bytes]]] = []

    def start(self, environment: dict[str, str]) -> None:
        """Start all in the current folder; their output goes to ``<logs>/<name>.log``."""
        self._logs.mkdir(parents=True, exist_ok=True)
        for service in self._wanted:
            with (self._logs / f"{service.name.lower()}.log").open("wb") as log:
                process = subprocess.Popen(
                    service.command,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            self._running.append((service, process))

    def announce(self) -> None:
        """Print each address once it answers.

        Raises
        ------
        ServerError
            One ended or does not answer.
        """
        limit = time.monotonic() + STARTUP_SECONDS
        waiting = [service for service, _ in self._running]
        while waiting:
            self.check_alive()
            for service in [s for s in waiting if _answers(s.url + s.path)]:
                note(f"{service.name:<10} {service.url}")
                waiting.remove(service)
            if time.monotonic() > limit:
                raise ServerError(
                    f"{waiting[0].name} did not answer in {STARTUP_SECONDS:.0f} s; see {self._log(waiting[0])}"
                )
            time.sleep(0.2)

    def check_alive(self) -> None:
        """Raise `ServerError` if one of them has ended."""
        for service, process in self._running:
            if process.poll() is not None:
                raise ServerError(f"{service.name} ended with code {process.returncode}; see {self._log(service)}")

    def stop(self) -> None:
        """Interrupt all processes, wait, and kill those that are left."""
        for _, process in self._running:
            _signal(process, signal.SIGINT)
        limit = time.monotonic() + SHUTDOWN_SECONDS
        for _, process in self._running:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, limit - time.monotonic()))
        for _, process in self._running:  # also children that outlived their parent
            _signal(process, signal.SIGKILL)
            process.wait()

    def _log(self, service: Service) -> Path:
        return self._logs / f"{service.name.lower()}.log"


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False
