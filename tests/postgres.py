"""Debian's PostgreSQL, for tests: a cluster of its own in a temporary folder, on loopback only, owned by no root."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.dashboard_browser import HOST, free_port

USER, PASSWORD = "imgsim", "not /in@any:file%41"
SECONDS = 60.0
_ROOT_PASSWORD = "only-to-make-the-user"
_CHEAP = {"fsync": "off", "full_page_writes": "off", "max_connections": "60", "unix_socket_directories": ""}


def programs() -> Path | None:
    """Folder of initdb, postgres and psql; the newest where there are several."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    return max(found, key=lambda path: float(path.parent.name), default=None)


class Cluster:
    """A server with one ordinary user, who may create databases, and his password."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._data, self._port = folder, folder / "data", free_port()
        self._process: subprocess.Popen[bytes] | None = None
        (folder / "password").write_text(_ROOT_PASSWORD)
        login = ["--username=postgres", "--auth=scram-sha-256", f"--pwfile={folder / 'password'}"]
        self._run("initdb", "-D", str(self._data), *login, "--encoding=UTF8", "--locale=C", "--no-sync")
        self.start()
        create = f"CREATE ROLE {USER} LOGIN CREATEDB PASSWORD '{PASSWORD}'"
        self.psql("-d", "postgres", "-c", create, PGUSER="postgres", PGPASSWORD=_ROOT_PASSWORD)

    @property
    def environment(self) -> dict[str, str]:
        """What a client is told."""
        return {"PGHOST": HOST, "PGPORT": str(self._port), "PGUSER": USER, "PGPASSWORD": PASSWORD}

    def start(self) -> None:
        """Start, and wait until it answers."""
        settings = [word for name, value in _CHEAP.items() for word in ("-c", f"{name}={value}")]
        command = [str(_program("postgres")), "-D", str(self._data), "-h", HOST, "-p", str(self._port), *settings]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, **self._as_user())
        limit = time.monotonic() + SECONDS
        ready = [str(_program("pg_isready")), "-q", "-h", HOST, "-p", str(self._port)]
        while subprocess.run(ready, check=False).returncode:
            assert self._process.poll() is None, (self._folder / "log").read_text()
            assert time.monotonic() < limit, "PostgreSQL does not answer"
            time.sleep(0.1)

    def stop(self) -> None:
        """End all connections and the server; harmless when it does not run."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGINT)  # PostgreSQL's fast shutdown
        try:
            self._process.wait(SECONDS)
        finally:
            self._process.kill()
            self._process.wait()
            self._process = None

    def psql(self, *arguments: str, **environment: str) -> str:
        """What psql prints, unadorned."""
        command = [str(_program("psql")), "-XAtq", "-v", "ON_ERROR_STOP=1", *arguments]
        known = {**os.environ, **self.environment, **environment}
        return subprocess.run(command, env=known, check=True, capture_output=True, text=True).stdout.strip()

    def dump(self, database: str) -> bytes:
        """Everything in a database, as SQL."""
        command = [str(_program("pg_dump")), "--inserts", database]
        return subprocess.run(command, env={**os.environ, **self.environment}, check=True, capture_output=True).stdout

    def _run(self, name: str, *arguments: str) -> None:
        subprocess.run([str(_program(name)), *arguments], check=True, capture_output=True, **self._as_user())

    def _as_user(self) -> dict[str, Any]:
        """PostgreSQL refuses to be root; its working folder must be one that its user can enter."""
        place: dict[str, Any] = {"cwd": self._folder}
        if os.geteuid() == 0:
            owner = self._folder.stat()
            place |= {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}
        return place


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A running cluster, removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="imgsim-postgres-"))  # not in pytest's folder, which only its owner may enter
    made = None
    try:
        if os.geteuid() == 0:
            owner = _unprivileged()
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        made = Cluster(folder)
        yield made
    finally:
        if made is not None:
            made.stop()
        shutil.rmtree(folder)


def _program(name: str) -> Path:
    folder = programs()
    assert folder is not None
    return folder / name


def _unprivileged() -> pwd.struct_passwd:
    known = {user.pw_name: user for user in pwd.getpwall()}
    return known.get("postgres") or known["nobody"]
