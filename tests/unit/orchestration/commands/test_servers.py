"""Servers of ``imgsim ui`` are stopped with all that they started, with process groups and as on Windows without."""

import os
import sys
from pathlib import Path

import psutil
import pytest

from orchestration.commands import servers
from orchestration.commands.servers import Servers, Service

PARENT = """
import signal, subprocess, sys, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"])
time.sleep(600)
"""


@pytest.fixture
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Servers:
    """A server that does not heed Ctrl-C, with a child."""
    monkeypatch.setattr(servers, "SHUTDOWN_SECONDS", 0.5)
    found = Servers([Service("Stubborn", 1, [sys.executable, "-c", PARENT], "--port")], tmp_path)
    found.start(dict(os.environ))
    while "up" not in (tmp_path / "stubborn.log").read_text():
        found.check_alive()
    return found


@pytest.mark.parametrize("windows", [False, True])
def test_no_process_is_left(running: Servers, windows: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    ((_, process),) = running._running
    everyone = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    assert len(everyone) == 2
    if windows:
        monkeypatch.delattr(os, "killpg")
    running.stop()
    gone, alive = psutil.wait_procs(everyone, timeout=30)
    assert not alive
    assert len(gone) == 2
