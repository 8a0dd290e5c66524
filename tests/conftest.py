"""Shared fixtures: an isolated home for every test, and one small collection of the sample."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "1")
if workers := os.environ.get("PYTEST_XDIST_WORKER_COUNT"):  # each its share of the cores
    os.environ.setdefault("NUMBA_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // int(workers))))

import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

import imgsim
from tests.sample_images import copy_sample

LONGEST = (
    "integration/test_dagster.py",
    "unit/coreml/runtime/test_interpreter.py",
    "integration/test_team.py",
    "faults/test_faults.py",
    "faults/test_nodes.py",
    "integration/test_benchmarks.py",
    "integration/test_wheel.py",
    "browser/test_dashboard.py",
    "browser/test_views.py",
    "unit/training/test_training.py",
    "integration/test_webserver.py",
    "integration/test_coreml_asset.py",
    "unit/coreml/export/test_export_networks.py",
    "unit/neighbors/test_pynndescent_knn.py",
    "integration/test_mlflow_sqlite.py",
)
"""Files that take longest: first, so that no worker ends long after the others."""

sys.dont_write_bytecode = False  # else each of the hundreds of processes that tests start compiles our modules anew
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

for number in (signal.SIGINT, signal.SIGTERM):
    if signal.getsignal(number) == signal.SIG_IGN:  # as a job in the background, or below nohup: tests send signals
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; the order is otherwise as it was."""
    root = Path(__file__).parent
    place = {root / name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path, len(place)))


@pytest.fixture(scope="session")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where session fixtures keep features and the exported network."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session", autouse=True)
def _home_of_the_session(shared_home: Path) -> Iterator[None]:
    """What session fixtures do leaves no trace in the clone, and no other worker sees it."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("IMGSIM_HOME", str(shared_home))
        yield


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], object]], Path]:
    """``made_once(name, make)``: a folder that one worker makes and no worker changes: the others wait for it."""
    root = tmp_path_factory.getbasetemp()
    root = root.parent if "PYTEST_XDIST_WORKER" in os.environ else root

    def folder(name: str, make: Callable[[Path], object]) -> Path:
        with FileLock(root / f"{name}.lock"):
            if not (root / name).exists():
                new = root / f"{name}.new"
                new.mkdir(exist_ok=True)
                make(new)
                new.rename(root / name)
        return root / name

    return folder


@pytest.fixture(scope="session")
def compiled(request: pytest.FixtureRequest, shared_home: Path) -> Path:
    """Numba's cache: it outlives the session, because compiling takes a minute."""
    cache = getattr(request.config, "cache", None)  # none with -p no:cacheprovider
    return shared_home / "numba" if cache is None else Path(cache.mkdir("numba"))


@pytest.fixture(scope="session")
def home_folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the homes of the tests are: pytest's own `mktemp` lists all folders there are, for each new one."""
    return tmp_path_factory.mktemp("homes")


@pytest.fixture(autouse=True)
def home(home_folders: Path, compiled: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh IMGSIM_HOME."""
    folder = Path(tempfile.mkdtemp(prefix="imgsim-home-", dir=home_folders))
    monkeypatch.setenv("IMGSIM_HOME", str(folder))
    monkeypatch.delenv("IMGSIM_DECISIONS", raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder / 'mlflow.db'}")
    monkeypatch.setenv("DAGSTER_HOME", str(folder / "dagster"))
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(compiled))
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])  # AppTest leaves its script there
    (folder / "dagster").mkdir()
    return folder


@pytest.fixture(autouse=True)
def _mlflow_as_before(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A test that leaves an active run, an experiment or an address in MLflow fails: the next would use it."""
    yield
    if "mlflow.tracking.fluent" not in sys.modules:
        return
    import mlflow

    left = []
    while run := mlflow.active_run():
        left.append(f"the active run {run.info.run_id}")
        mlflow.end_run()
    if experiment := os.environ.pop("MLFLOW_EXPERIMENT_ID", None):
        left.append(f"the experiment {experiment}")
        mlflow.tracking.fluent._active_experiment_id = None
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///elsewhere.db")  # followed, unless an address was set
    for kind, get, unset in (
        ("tracking", mlflow.get_tracking_uri, mlflow.set_tracking_uri),
        ("registry", mlflow.get_registry_uri, mlflow.set_registry_uri),
    ):
        if (address := get()) != "sqlite:///elsewhere.db":
            left.append(f"the {kind} address {address}")
            unset(None)
    assert not left, f"left behind in MLflow: {', '.join(left)}"


@pytest.fixture(scope="session")
def tiny_images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of 40 small pictures: 4 kinds x 10 views, labelled by folder. Read-only by agreement."""
    return copy_sample(tmp_path_factory.mktemp("tiny") / "tiny")


def _model(folder: Path, store: imgsim.FeatureStore) -> imgsim.SimilarityModel:
    return imgsim.create(imgsim.load_images(folder), store=store, k=10, backbone="mini", progress=False)


@pytest.fixture(scope="session")
def tiny_store(
    shared_home: Path, tiny_images: Path, made_once: Callable[[str, Callable[[Path], object]], Path]
) -> imgsim.FeatureStore:
    """The session's feature store: holds ``mini`` as ONNX and the tiny images' features."""
    made = made_once("store", lambda folder: _model(tiny_images, imgsim.FeatureStore(folder)))
    return imgsim.FeatureStore(shutil.copytree(made, shared_home / "store", dirs_exist_ok=True))


@pytest.fixture(scope="session")
def tiny_model(tiny_images: Path, tiny_store: imgsim.FeatureStore) -> imgsim.SimilarityModel:
    """A model of the tiny images by ``mini``. Read-only by agreement."""
    return _model(tiny_images, tiny_store)


@pytest.fixture(scope="session")
def empty_database(made_once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """An MLflow database without a model. Tests copy it: MLflow takes seconds to make its tables."""
    from imgsim.mlflow.connection import create_database

    return made_once("mlflow", lambda folder: create_database(f"sqlite:///{folder / 'mlflow.db'}")) / "mlflow.db"


@pytest.fixture
def mlflow_home(home: Path, empty_database: Path) -> Path:
    """The home, with an MLflow database without a model."""
    shutil.copy(empty_database, home / "mlflow.db")
    return home


@pytest.fixture
def warm_home(mlflow_home: Path, tiny_store: imgsim.FeatureStore) -> Path:
    """The home, with the exported network and the tiny images' features, too."""
    shutil.copytree(tiny_store.root, mlflow_home / "store")
    return mlflow_home


@pytest.fixture(scope="session")
def dashboard_folder(
    tmp_path_factory: pytest.TempPathFactory, tiny_store: imgsim.FeatureStore, empty_database: Path
) -> Path:
    """A folder with an MLflow database that holds two versions of ``imgsim-tiny`` (`tests.dashboard_registry`)."""
    from tests.dashboard_registry import build

    folder = tmp_path_factory.mktemp("dashboard")
    shutil.copytree(tiny_store.root, folder / "store")
    shutil.copy(empty_database, folder)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("IMGSIM_HOME", str(folder))
        build(folder)
    return folder


@pytest.fixture
def rng() -> np.random.Generator:
    """Seeded random numbers."""
    return np.random.default_rng(0)
