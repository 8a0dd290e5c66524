"""Ctrl-C through a terminal: a run ends at once, is shown as canceled, leaves no process, and prints no traceback."""

import io
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import dagster as dg
import numpy as np
import psutil
import pytest
from PIL import Image

from imgsim.cli.interrupts import STOPPED
from orchestration.instance import prepare_instance

# Dagster and MLflow use deprecated parts of themselves, of pydantic and of SQLAlchemy
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

PROJECT = Path(__file__).resolve().parents[2]
PICTURES = 1500
CTRL_C = b"\x03"
SECONDS = 240


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """So many pictures that features take a while: one of noise, with another comment in each file."""
    folder, noise = tmp_path_factory.mktemp("many"), io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(noise, "jpeg", comment=b"....")
    for i in range(PICTURES):
        (folder / f"{i}.jpg").write_bytes(noise.getvalue().replace(b"....", b"%04d" % i, 1))
    return folder


@pytest.fixture
def pictures(many, home, tiny_model, tiny_store):
    """Those, where the exported network is there."""
    shutil.copytree(tiny_store.root / "backbones", home / "store" / "backbones")
    return many


def in_terminal(command: list[str], wait_for: str, times: int) -> tuple[str, int]:
    """Run in a terminal of its own, press Ctrl-C when the text is there, and return all text and the exit code."""
    master, slave = pty.openpty()
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    command = ["setsid", "--ctty", *command]  # the leader of a session whose terminal this is
    process = subprocess.Popen(command, cwd=PROJECT, env=environment, stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    output, seen, limit = select.poll(), b"", time.monotonic() + SECONDS
    output.register(master, select.POLLIN)
    while True:
        assert time.monotonic() < limit, _killed(process, seen)
        if not output.poll(1000):
            continue
        try:
            seen += os.read(master, 1 << 16)
        except OSError:  # all its processes have closed it
            break
        if times and wait_for.encode() in seen:
            time.sleep(0.5)
            os.write(master, CTRL_C)
            times -= 1
    os.close(master)
    code = process.wait(SECONDS)
    limit = time.monotonic() + SECONDS
    while alive := list(_of_session(process.pid)):  # the last may still be ending
        assert time.monotonic() < limit, alive
        time.sleep(0.1)
    return seen.decode(errors="replace"), code


def _of_session(leader: int) -> Iterator[psutil.Process]:
    for one in psutil.process_iter():
        with suppress(ProcessLookupError, psutil.NoSuchProcess):
            if os.getsid(one.pid) == leader and one.status() != psutil.STATUS_ZOMBIE:
                yield one


def _killed(process: subprocess.Popen[bytes], seen: bytes) -> str:
    os.killpg(process.pid, signal.SIGKILL)
    return f"not ended after {SECONDS} s:\n{seen.decode(errors='replace')}"


def status() -> tuple[dg.DagsterRunStatus, int]:
    prepare_instance()
    with dg.DagsterInstance.from_config(os.environ["DAGSTER_HOME"]) as instance:
        (run,) = instance.get_runs()
        retries = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.STEP_RESTARTED).records
        return run.status, len(retries)


def test_two_presses_stop_a_run(pictures):
    run = [sys.executable, "-m", "imgsim", "run", str(pictures)]
    text, code = in_terminal(run, "images           done", 2)
    assert code == 130, text
    assert text.count(STOPPED) == 1
    assert "Traceback" not in text
    assert "trying again" not in text
    assert "embeddings       done" not in text
    assert status() == (dg.DagsterRunStatus.CANCELED, 0)


def test_one_press_stops_make_demo(pictures):
    make = ["make", "-o", f"{sys.prefix}/.installed", "demo", f"VENV={sys.prefix}", f"IMAGES={pictures}"]
    text, code = in_terminal(make, "images           done", 1)
    assert code != 0
    assert STOPPED in text
    assert "Traceback" not in text
    assert "embeddings       done" not in text
    assert status() == (dg.DagsterRunStatus.CANCELED, 0)


def test_one_press_stops_create(pictures, tmp_path):
    create = [sys.executable, "-m", "imgsim", "create", str(pictures), "-o", str(tmp_path / "model")]
    create += ["--backbone", "mini"]
    text, code = in_terminal(create, "preparing mini", 1)
    assert code == 130, text
    assert STOPPED in text
    assert "Traceback" not in text
    assert not (tmp_path / "model").exists()
