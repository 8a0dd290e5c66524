"""What MLflow shows of a run: its description, its source, and counts that agree with the console."""

from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from imgsim.mlflow import registry
from imgsim.mlflow.connection import find_experiment
from tests.commands import imgsim_command
from tests.sample_images import copy_sample

# Dagster and MLflow use deprecated parts of themselves, of pydantic and of SQLAlchemy
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


def last_run() -> Run:
    return MlflowClient().search_runs([find_experiment()], max_results=1)[0]


@pytest.mark.usefixtures("warm_home")
def test_a_good_run_begins_with_its_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos = copy_sample(tmp_path / "photos", 3)
    (photos / "cube" / "broken.jpg").write_bytes(b"no picture")
    whole = next((photos / "torus").glob("*.jpg")).read_bytes()
    (photos / "torus" / "cut.jpg").write_bytes(whole[: len(whole) // 3])
    assert imgsim_command("run", photos, "--backbone", "mini") == 0
    console = capsys.readouterr().out
    run = last_run()
    note = run.data.tags["mlflow.note.content"]
    assert note.startswith("**precision@10 0.")
    assert f"12 images of `{photos}`, 2 rejected, 4 labels; network mini" in note
    assert f"/runs/{run.info.run_id}/artifacts/report/insights.html" in note
    assert run.data.metrics["rejected"] == 2
    assert run.data.metrics["images"] == 12
    assert "12 read, 2 rejected, skipped 0" in console
    assert "names of folders (4)" in console
    assert "/#/experiments/1/runs?workflowType=machine_learning" in console
    assert run.data.params["source"] == str(photos)
    (version,) = registry.list_versions("imgsim-photos")
    logged = MlflowClient().get_model_version("imgsim-photos", version.version).source.removeprefix("models:/")
    assert "source" not in MlflowClient().get_logged_model(logged).params


def test_a_failed_run_says_why(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    for name in "abc":
        (broken / f"{name}.jpg").write_bytes(b"no picture")
    assert imgsim_command("run", broken, "--backbone", "mini") == 1
    run = last_run()
    assert run.info.status == "FAILED"
    note = run.data.tags["mlflow.note.content"]
    assert note.startswith("**Stopped by the check not_empty, rejected_share.** no image in ")
    assert imgsim_command("run", tmp_path / "absent") == 1
    assert last_run().data.tags["mlflow.note.content"].startswith(f"**images failed:** {tmp_path / 'absent'}")
