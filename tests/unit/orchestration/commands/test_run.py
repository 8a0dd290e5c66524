"""What ``imgsim run`` says before a run and when one is stopped."""

from pathlib import Path

import pytest

from imgsim.errors import ArgumentError
from orchestration.commands.run import _collection
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


def test_a_folder_without_a_usable_name_is_told_to_give_one(capfd: pytest.CaptureFixture[str]) -> None:
    assert "'/nowhere/写真' cannot name a collection" in (told := stopped(capfd, "/nowhere/写真"))
    assert "--collection name" in told


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
