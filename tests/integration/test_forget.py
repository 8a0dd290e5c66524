"""``imgsim forget`` leaves nothing of a picture or a collection in MLflow, Dagster and the home."""

import os
import shutil
from pathlib import Path

import dagster as dg
import pytest
import typer
from typer.testing import CliRunner

from dashboards.services.models import registry as models
from dashboards.views.phone_app import package
from imgsim.decisions import open_decisions
from imgsim.io.hashing import file_sha256
from imgsim.mlflow import registry
from orchestration.commands.forget import forget
from tests.commands import imgsim_command

# Dagster and MLflow use deprecated parts of themselves, of pydantic and of SQLAlchemy
pytestmark = [pytest.mark.usefixtures("warm_home"), pytest.mark.filterwarnings("ignore::DeprecationWarning")]


@pytest.fixture
def pictures(tiny_images, tmp_path):
    return Path(shutil.copytree(tiny_images, tmp_path / "pictures"))


def run(*arguments):
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(forget)
    return CliRunner().invoke(app, list(map(str, arguments)))


def holding(home, needle):
    """Files of the home with these bytes."""
    return [path for path in home.rglob("*") if path.is_file() and needle in path.read_bytes()]


def dagster_runs():
    with dg.DagsterInstance.from_config(os.environ["DAGSTER_HOME"]) as instance:
        return len(instance.get_runs()), instance.get_dynamic_partitions("collections")


def test_a_picture_and_then_the_collection(pictures, home, tiny_store):
    victim = next(iter(sorted(pictures.rglob("*.jpg"))))
    label = victim.parent / "secret-name.jpg"
    victim.rename(label)
    key, path = file_sha256(label), label.relative_to(pictures).as_posix()
    (thumbnail,) = tiny_store.read_thumbnails([key])
    needle = thumbnail[len(thumbnail) // 2 :][:200]
    open_decisions().set_label(key, "secret-label")
    assert imgsim_command("run", pictures, "--backbone", "mini", "--collection", "tiny") == 0
    told = run("tiny", "--picture", path, "--yes")
    assert "version 1 of imgsim-tiny, the newest, holds" in str(told.exception), "the published model keeps its figures"
    label.unlink()
    assert imgsim_command("run", pictures, "--backbone", "mini", "--collection", "tiny") == 0
    loaded = models.load(models.newest())
    package.archive(loaded, package.package(loaded))
    shutil.copy(home / "mlflow.db", home / "mlflow.before-move.db")
    assert holding(home, needle)
    assert holding(home, b"secret-name.jpg")
    assert holding(home, b"secret-label")

    told = run("tiny", "--picture", path)
    assert "give --yes" in str(told.exception), "nothing is removed unasked"
    told = run("tiny", "--picture", path, "--yes")
    assert told.exit_code == 0, told.exception
    assert "versions 1 and 1 MLflow runs are gone" in told.output
    assert [version.version for version in registry.list_versions("imgsim-tiny")] == ["2"]
    assert registry.load("tiny").images
    assert dagster_runs() == (1, ["tiny"])
    assert not holding(home, needle)
    assert not holding(home, b"secret-name.jpg"), "the databases hold no name of it either"
    assert not holding(home, b"secret-label"), "nor what was decided about it"
    assert not (home / "dashboard").exists()
    assert "no version of imgsim-tiny holds" in str(run("tiny", "--picture", key, "--yes").exception)

    other = next(pictures.rglob("*.jpg")).name.encode()
    assert holding(home, other)
    told = run("tiny", "--yes")
    assert told.exit_code == 0, told.exception
    assert not [path for path in holding(home, other) if home / "samples" not in path.parents]
    assert registry.list_models() == []
    assert dagster_runs() == (0, [])
    assert not (home / "collections" / "tiny").exists()
    assert not list((home / "mlartifacts").rglob("*.jpg"))
    assert not list((home / "mlartifacts").rglob("*.parquet"))
    assert "there is no collection 'tiny'. There are: none." in str(run("tiny", "--yes").exception)


def test_a_version_whose_files_are_gone_does_not_keep_a_picture(pictures, home):
    victim = next(iter(sorted(pictures.rglob("*.jpg"))))
    assert imgsim_command("run", pictures, "--backbone", "mini", "--collection", "tiny") == 0
    (gone,) = home.glob("mlartifacts/models/*")
    victim.unlink()
    assert imgsim_command("run", pictures, "--backbone", "mini", "--collection", "tiny") == 0
    shutil.rmtree(gone)
    path = victim.relative_to(pictures).as_posix()
    assert "no version of imgsim-tiny holds" in str(run("tiny", "--picture", path, "--yes").exception)
