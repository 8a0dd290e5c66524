"""Shared fixtures: an isolated home for every test, and one small collection rendered once."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "1")

from pathlib import Path

import numpy as np
import pytest

import imgsim

KINDS = ("sphere", "cube", "torus", "bricks")


@pytest.fixture(scope="session")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where session fixtures keep features and the exported network."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, shared_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh IMGSIM_HOME; numba's cache is shared by the session so that it compiles once."""
    folder = tmp_path_factory.mktemp("imgsim-home")
    monkeypatch.setenv("IMGSIM_HOME", str(folder))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder / 'mlflow.db'}")
    monkeypatch.setenv("DAGSTER_HOME", str(folder / "dagster"))
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(shared_home / "numba"))
    (folder / "dagster").mkdir()
    return folder


@pytest.fixture(scope="session")
def tiny_images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of 40 small pictures: 4 kinds x 10 views, labelled by folder. Read-only by agreement."""
    return imgsim.render_sample(tmp_path_factory.mktemp("tiny") / "tiny", views=10, kinds=KINDS, messy=False)


@pytest.fixture(scope="session")
def tiny_store(shared_home: Path) -> imgsim.FeatureStore:
    """The session's feature store; holds the tiny images' features once `tiny_model` was made."""
    return imgsim.FeatureStore(shared_home / "store")


@pytest.fixture(scope="session")
def tiny_model(tiny_images: Path, tiny_store: imgsim.FeatureStore) -> imgsim.SimilarityModel:
    """A model of the tiny images by ``mini``. Read-only by agreement."""
    return imgsim.create(imgsim.load_images(tiny_images), store=tiny_store, k=10, progress=False)


@pytest.fixture(scope="session")
def dashboard_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an MLflow database that holds two versions of ``imgsim-tiny`` (`tests.dashboard_registry`)."""
    from tests.dashboard_registry import build

    folder = tmp_path_factory.mktemp("dashboard")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("IMGSIM_HOME", str(folder))
        build(folder)
    return folder


@pytest.fixture
def rng() -> np.random.Generator:
    """Seeded random numbers."""
    return np.random.default_rng(0)
