"""A home of any name, which is then moved: the pipeline, the registry and the dashboard find everything in it."""

import shutil
from pathlib import Path

import pytest

import imgsim
from dashboards.services.models import registry as models
from tests.commands import imgsim_command
from tests.sample_images import copy_sample

# Dagster and MLflow use deprecated parts of themselves, of pydantic and of SQLAlchemy
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


def settle(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Use a home as a new shell would."""
    monkeypatch.setenv("IMGSIM_HOME", str(home))
    for name in ("MLFLOW_TRACKING_URI", "DAGSTER_HOME"):
        monkeypatch.delenv(name, raising=False)
    models.MODELS.clear()


def test_a_home_of_any_name_works_and_may_be_moved(
    tmp_path: Path,
    tiny_model: imgsim.SimilarityModel,
    tiny_store: imgsim.FeatureStore,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    images = copy_sample(tmp_path / "photos", 3)
    first, second = tmp_path / "My%20Photos 100% #1 what?" / ".imgsim", tmp_path / "moved ?&%41" / ".imgsim"
    settle(first, monkeypatch)
    shutil.copytree(tiny_store.root, first / "store")
    assert imgsim_command("run", images, "--backbone", "mini") == 0
    (tmp_path / "moved ?&%41").mkdir()
    for home, words in ((first, "version 1 (challenger, champion)"), (second, "reused       images, features")):
        if home == second:
            first.rename(second)
            settle(second, monkeypatch)
        image = next(images.rglob("*.jpg"))
        assert imgsim_command("query", "models:/imgsim-photos@champion", image, "-k", 1) == 0
        assert imgsim_command("duplicates", "models:/imgsim-photos@champion") == 0
        assert models.names() == ["imgsim-photos"]
        assert len(models.load(models.newest())) == 12
        if home == second:
            assert imgsim_command("run", images, "--backbone", "mini") == 0
        assert words in capsys.readouterr().out
    made = {path.name for path in tmp_path.iterdir()}
    assert made == {"cache", "photos", first.parent.name, second.parent.name}
