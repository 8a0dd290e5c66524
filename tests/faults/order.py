"""What a run is told, and the run itself in the forked process (`tests.faults.preload`)."""

from __future__ import annotations

import os
import sys
import traceback
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Order:
    """A run of the pipeline: its arguments, where it tells what it does, and its fault (`tests.faults.probe`)."""

    arguments: list[str]
    log: Path
    events: Path
    environment: dict[str, str] = field(default_factory=dict)
    fault: dict[str, Any] = field(default_factory=dict)
    part_rows: int = 8


def run(order: Order) -> None:
    """Become the run: as ``imgsim run``, with small parts in the store, so that there are several."""
    from imgsim.features import compute
    from orchestration.commands import pipeline_run
    from tests.commands import imgsim_command
    from tests.faults import probe

    code = 1
    try:
        log = os.open(order.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        for number in (1, 2):
            os.dup2(log, number)
        os.environ.update(order.environment)
        compute.PART_ROWS = order.part_rows
        pipeline_run.Progress = probe.Probe
        probe.begin(order.events, order.fault)
        code = imgsim_command("run", *order.arguments)
    except BaseException:  # noqa: BLE001  a test reads this, as a person would in the terminal
        traceback.print_exc()
    finally:
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
