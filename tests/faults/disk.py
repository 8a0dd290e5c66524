"""A disk that fills up in each stage, and one that is read-only."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults.homes import Homes
from tests.faults.runs import Home, Run
from tests.faults.state import check_nothing_half_written, check_same

DISK_BYTES = 256 << 20
LEAVE = (0, 64 << 10, 1 << 20)
FILE_BYTES = 256 << 10


@contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """Mount a small disk at ``folder``; gives False where this is not allowed, and an ordinary folder."""
    folder.mkdir(parents=True)
    mounted = _mount("-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder))
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _mount(*arguments: str) -> bool:
    if os.geteuid() != 0 or shutil.which("mount") is None:
        return False
    return subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode == 0


def fill_in_turn(homes: Homes, stages: list[str], go_on: bool = True) -> int:
    """Fill the disk as each stage starts, make room again, go on; the end is as if nothing had been.

    Where no disk can be mounted, no file may grow beyond a few kilobytes instead. Returns how often it was full.
    """
    with small_disk(homes.work / "full") as mounted:
        home = homes.new("full")
        for number, stage in enumerate(stages):
            full = {"fill": str(home.root), "leave": LEAVE[number % len(LEAVE)]}
            run = home.run({"stage": stage} | (full if mounted else {"file_size": FILE_BYTES}))
            (home.root / "ballast").unlink(missing_ok=True)
            check_clean_error(run, home)
            check_nothing_half_written(home, homes.reference)
        if go_on:
            finish(home, homes)
    return len(stages)


def check_clean_error(run: Run, home: Home) -> None:
    """It ends with one message that names the place and says what to do."""
    assert run.code == 1, f"exit code {run.code}:\n{run.output}"
    assert len(run.error.splitlines()) == 1, run.output
    assert str(home.root) in run.error, run.output
    assert "Free space" in run.error or "IMGSIM_HOME" in run.error, run.output


def finish(home: Home, homes: Homes) -> None:
    """Run undisturbed: everything comes out as in the undisturbed home."""
    run = home.run()
    assert run.code == 0, run.output
    check_same(home, homes.reference)


def read_only(homes: Homes, part: str, go_on: bool = True) -> int:
    """A home (``part`` is empty) or a folder in it that cannot be written; afterwards it can."""
    home = homes.new(f"read-only-{part}")
    place = home.root / part
    place.mkdir(exist_ok=True)
    with _unwritable(place):
        check_clean_error(home.run(), home)
    if go_on:
        finish(home, homes)
    return 1


@contextmanager
def _unwritable(folder: Path) -> Iterator[None]:
    """Make a folder read-only: by a mount where that is allowed, because permissions do not hold root back."""
    if _mount("--bind", str(folder), str(folder)):
        try:
            assert _mount("-o", "remount,ro,bind", str(folder))
            yield
        finally:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
        return
    if os.geteuid() == 0:
        raise PermissionError("root may not mount here, and nothing is read-only for root")
    paths = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
    for path in paths:
        path.chmod(0o555)
    try:
        yield
    finally:
        for path in paths:
            path.chmod(0o755)
