"""Dagster's own folder: sqlite, no telemetry, one run per collection at a time."""

import os
from pathlib import Path

from imgsim.atomic import atomic_path
from imgsim.home import home

SETTINGS = """\
telemetry:
  enabled: false
nux:
  enabled: false
concurrency:
  runs:
    max_concurrent_runs: 2
    tag_concurrency_limits:
      - key: dagster/partition
        value:
          applyLimitPerUniqueValue: true
        limit: 1
"""


def prepare_instance() -> Path:
    """Create Dagster's folder and settings if missing, and make it ``DAGSTER_HOME`` of this process and its children.

    ``$DAGSTER_HOME`` wins over ``dagster`` in the working store; settings that exist are left alone.
    """
    folder = Path(os.environ.get("DAGSTER_HOME") or home() / "dagster").expanduser().absolute()
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "dagster.yaml").exists():
        with atomic_path(folder / "dagster.yaml") as path:
            path.write_text(SETTINGS)
    os.environ["DAGSTER_HOME"] = str(folder)
    return folder
