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

import psutil

from imgsim.cli.console import note
from imgsim.errors import ImgsimError

HOST = "127.0.0.1"
STARTUP_SECONDS = 180.0
SHUTDOWN_SECONDS = 20.0


class ServerError(ImgsimError):
    """A server cannot be started or has ended; the message says what to do."""


@dataclass(frozen=True)
class Service:
    """A server: its command, its address, and the option of ``imgsim ui`` that moves it to another port.

    ``base`` is the path that its pages lie below, ``""`` or ``/imgsim``; ``path`` below it answers when it is ready;
    ``opens`` is the page for a browser.
    """

    name: str
    port: int
    command: list[str]
    option: str
    path: str = "/"
    base: str = ""
    opens: str = ""

    @property
    def url(self) -> str:
        """Address of the server."""
        return f"http://{HOST}:{self.port}{self.base}"

    @property
    def page(self) -> str:
        """Address for a browser."""
        return self.opens or self.url


def check_ports(wanted: list[Service]) -> None:
    """Check that nothing else listens on the ports.

    Raises
    ------
    ServerError
        Names the port and the option that chooses another.
    """
    for service in wanted:
        with socket.socket() as probe:
            if os.name != "nt":  # there it would take a port that is in use
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
                note(f"{service.name:<10} {service.page}")
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
        groups = [_Group(process) for _, process in self._running]
        for group in groups:
            group.interrupt()
        limit = time.monotonic() + SHUTDOWN_SECONDS
        for _, process in self._running:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, limit - time.monotonic()))
        for group in groups:  # also children that outlived their parent
            group.kill()

    def _log(self, service: Service) -> Path:
        return self._logs / f"{service.name.lower()}.log"


class _Group:
    """A process and those that it started: a process group, or on Windows, which has none, those that run now."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._children: list[psutil.Process] = []
        if not hasattr(os, "killpg"):
            with suppress(psutil.NoSuchProcess):
                self._children = psutil.Process(process.pid).children(recursive=True)

    def interrupt(self) -> None:
        if hasattr(os, "killpg"):  # on Windows a Ctrl-C reaches every process of the console
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGINT)

    def kill(self) -> None:
        if hasattr(os, "killpg"):
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        for child in self._children:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        self._process.kill()
        self._process.wait()


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False
