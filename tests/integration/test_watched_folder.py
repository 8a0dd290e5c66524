"""A real ``dagster dev`` with its daemon: what is published becomes equal to what a watched folder holds."""

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.tags import PARTITION_NAME_TAG

from imgsim.errors import RegistryError
from imgsim.mlflow import registry
from orchestration.instance import prepare_instance

# Dagster and MLflow use deprecated parts of themselves, of pydantic and of SQLAlchemy
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

SETTINGS = """\
telemetry:
  enabled: false
run_coordinator:
  module: dagster._core.run_coordinator
  class: DefaultRunCoordinator
"""
"""Without Dagster's queue, which looks for new runs every 5 seconds only."""
SECONDS = 240.0
PICTURES = 6


@pytest.fixture
def watched(home, monkeypatch, tmp_path, tiny_images, tiny_model, tiny_store, start_server):
    """The folder ``watch/My Pets`` of a running Dagster: its first run fails, as a file is where results belong.

    Dagster finds no coremltools, for the export of a package would take longer than the rest of a run.
    """
    shutil.copytree(tiny_store.root, home / "store")
    (home / "collections" / "my-pets").mkdir(parents=True)
    (home / "collections" / "my-pets" / "images").write_text("a file where a folder should be")
    folder = tmp_path / "watch" / "My Pets"
    for path in sorted(tiny_images.rglob("*.jpg"))[:PICTURES]:
        (folder / path.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, folder / path.parent.name)
    (tmp_path / "without" / "coremltools").mkdir(parents=True)
    (tmp_path / "without" / "coremltools" / "__init__.py").write_text("raise ImportError('not installed')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "without"))
    monkeypatch.setenv("IMGSIM_WATCH", str(folder.parent))
    (home / "dagster" / "dagster.yaml").write_text(SETTINGS)
    prepare_instance()
    environment = {name: os.environ[name] for name in ("IMGSIM_HOME", "IMGSIM_WATCH", "DAGSTER_HOME")}
    command = ["dagster", "dev", "-m", "orchestration.definitions", "--host", "127.0.0.1", "--port", "{port}"]
    start_server(command, "/server_info", tmp_path, environment | {"IMGSIM_WATCH_SECONDS": "1"})
    return folder


def wait(until: Callable[[], bool], what: str) -> None:
    limit = time.monotonic() + SECONDS
    while not until():
        assert time.monotonic() < limit, f"{what}: {runs()}"
        time.sleep(1)


def runs() -> list[dg.DagsterRun]:
    with dg.DagsterInstance.from_config(os.environ["DAGSTER_HOME"]) as instance:
        return list(instance.get_runs(dg.RunsFilter(tags={PARTITION_NAME_TAG: "my-pets"})))


def published(folder: Path) -> Callable[[], bool]:
    """Tell when both aliases serve just the pictures of the folder."""
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*.jpg")}

    def check() -> bool:
        try:
            return all(set(registry.load("my-pets", alias=name).images.paths) == there for name in ALIASES)
        except RegistryError:
            return False

    return check


ALIASES = ("challenger", "champion")


def test_content_that_returns_and_a_failed_run_are_published(watched, home):
    wait(lambda: any(run.status is dg.DagsterRunStatus.FAILURE for run in runs()), "no run has failed")
    (home / "collections" / "my-pets" / "images").unlink()
    wait(published(watched), "not published after a failed run")

    picture = next(watched.rglob("*.jpg"))
    away = watched.parents[1] / picture.name
    picture.rename(away)
    wait(published(watched), "a picture that was taken out is still published")

    away.rename(picture)
    wait(published(watched), "content that returned is not published")
    count = len(runs())
    time.sleep(3)
    assert len(runs()) == count, "nothing is run without a change"
