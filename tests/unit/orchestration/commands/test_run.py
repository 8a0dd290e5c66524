"""What ``imgsim run`` says before a run and when one is stopped."""

import os
import re
from pathlib import Path

import dagster as dg
import pytest

from imgsim.errors import ArgumentError
from orchestration.assets import ASSETS
from orchestration.commands.pipeline_run import failure_reason
from orchestration.commands.run import _collection
from orchestration.definitions import resources
from orchestration.resources import StorageResource
from tests.commands import imgsim_command

# Dagster and MLflow use deprecated parts of themselves, of pydantic and of SQLAlchemy
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def stopped(capfd: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert imgsim_command("run", *arguments) == 1
    (line,) = [line for line in capfd.readouterr().err.splitlines() if line.startswith("error: ")]
    return line


def test_a_run_stopped_by_checks_says_what_they_found(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    empty, broken = tmp_path / "empty", tmp_path / "broken"
    for folder in (empty, broken):
        folder.mkdir()
    (broken / "cut.jpg").write_bytes(b"no picture")
    told = stopped(capfd, empty)
    assert f"check not_empty: no image in {empty}: it holds no file with the extension of an image. See" in told
    told = stopped(capfd, broken)
    assert f"no image in {broken}: 1 files were rejected, the first: cut.jpg: " in told
    assert "1 of 1 files were rejected, more than 50%. The first: cut.jpg: " in told


def test_a_mistyped_folder_leaves_no_collection(tmp_path: Path, home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    assert "there is no such file or folder" in stopped(capfd, tmp_path / "shels")
    assert "no image in" in stopped(capfd, tmp_path / "empty")
    with dg.DagsterInstance.from_config(os.environ["DAGSTER_HOME"]) as instance:
        assert instance.get_dynamic_partitions("collections") == []
    assert not [path for path in (home / "collections").rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("partition", "told"),
    [
        ({}, "this run has no collection. In Dagster start it by 'Materialize all'"),
        ({"partition_key": "Holiday 2024"}, "'Holiday 2024' cannot name a collection: .* For example: holiday-2024"),
        (
            {"partition_key": "new"},
            r"collection 'new' has no images: .*new does not exist.* ops\.images\.config\.source",
        ),
    ],
)
def test_a_run_from_dagsters_pages_says_what_is_missing(home: Path, partition: dict[str, str], told: str) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        if partition:
            instance.add_dynamic_partitions("collections", list(partition.values()))
        options = {"instance": instance, "resources": resources(), "raise_on_error": False}
        result = dg.materialize(ASSETS[:1], **options, **partition)
        (failure,) = [event for event in result.all_events if event.is_step_failure]
        assert re.search(told, failure_reason(failure))
        assert instance.get_dynamic_partitions("collections") == []


def test_a_folder_does_not_take_the_collection_of_another(capfd: pytest.CaptureFixture[str]) -> None:
    StorageResource().remember_source("photos", "/a/photos")
    assert stopped(capfd, "/b/photos") == (
        "error: collection 'photos' already holds /a/photos; give --collection another-name for /b/photos, "
        "or --collection photos to go on with it from there."
    )
    for arguments in (["/a/photos/"], ["/b/photos", "--collection", "photos"]):
        assert "already holds" not in stopped(capfd, *arguments), "it runs, and finds no such folder"


def test_the_sample_of_a_store_that_was_moved(home: Path) -> None:
    sample = str(home / "samples" / "sample")
    StorageResource().remember_source("sample", "/before/.imgsim/samples/sample")
    assert _collection(sample, "") == "sample"
    StorageResource().remember_source("sample", "/a/sample")
    with pytest.raises(ArgumentError, match="already holds /a/sample"):
        _collection(sample, "")
