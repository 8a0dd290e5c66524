"""Dagster's own folder and settings: sqlite, no telemetry, one run per collection at a time."""

import hashlib
import importlib.util
import os
import uuid
from pathlib import Path

import platformdirs
import yaml

from imgsim.distribution import install_command
from imgsim.errors import MissingExtraError
from imgsim.io.atomic import atomic_path
from imgsim.io.home import home
from imgsim.io.paths import absolute

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
    """Create Dagster's folder and settings if missing, and set ``DAGSTER_HOME`` for this process and its children.

    ``$DAGSTER_HOME`` takes precedence over ``dagster`` in the working store; existing settings are not changed.

    Raises
    ------
    MissingExtraError
        The settings name PostgreSQL, and the packages it needs are not installed.
    """
    folder = absolute(os.environ.get("DAGSTER_HOME") or home() / "dagster")
    folder.mkdir(parents=True, exist_ok=True)
    folder = _plainly_named(folder)
    settings = folder / "dagster.yaml"
    if not settings.exists():
        with atomic_path(settings) as path:
            path.write_text(SETTINGS)
    storage = (yaml.safe_load(settings.read_text()) or {}).get("storage") or {}
    if "postgres" in storage and importlib.util.find_spec("dagster_postgres") is None:
        raise MissingExtraError(f"{settings} keeps Dagster's records in PostgreSQL: {install_command('team')}.")
    os.environ["DAGSTER_HOME"] = str(folder)
    return folder


def _plainly_named(folder: Path) -> Path:
    """Return a folder, or a link to it if its name has ``%`` or ``?``, which Dagster does not quote for sqlite."""
    if not {"%", "?"} & set(str(folder)):
        return folder
    links = platformdirs.user_cache_path("imgsim", appauthor=False) / "dagster"
    links.mkdir(parents=True, exist_ok=True)
    link, new = links / hashlib.sha256(os.fsencode(folder)).hexdigest()[:16], links / uuid.uuid4().hex
    new.symlink_to(folder, target_is_directory=True)
    return new.replace(link)
