"""The wheel alone: installed where no checkout is seen, it runs the pipeline and the servers in an empty folder."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import urlopen

import pytest

from tests.sample_images import copy_sample

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).resolve().parents[2]
PACKAGES = ("imgsim", "orchestration", "dashboards")
OURS = ("IMGSIM_HOME", "DAGSTER_HOME", "MLFLOW_TRACKING_URI", "PYTHONPATH", "NUMBA_CACHE_DIR")
SECONDS = 240


def clean_environment() -> dict[str, str]:
    """This process's variables but for those that name a checkout or a working store."""
    return {name: value for name, value in os.environ.items() if name not in OURS}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from a copy of the source, so that no earlier build gets into it."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(PROJECT / name, source)
    for name in (*PACKAGES, "tools", "training"):
        shutil.copytree(PROJECT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    target = source / "dist"
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(target)]
    subprocess.run([*build, str(source)], check=True, cwd=source)
    (path,) = target.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment that holds the wheel and sees what is installed here, but for our own packages."""
    place = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True)
    python = place / "bin" / "python"
    (site,) = place.glob("lib/python*/site-packages")
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*install, str(wheel)], env=clean_environment(), check=True)
    (site / "installed.pth").write_text(f"{sysconfig.get_path('purelib')}\n")  # its own .pth files are not read
    return python


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder."""
    folder = tmp_path / "empty"
    folder.mkdir()
    return folder


@pytest.fixture
def environment(compiled: Path, tmp_path: Path) -> dict[str, str]:
    """What a newcomer's shell has, with a data folder of its own."""
    return clean_environment() | {"NUMBA_CACHE_DIR": str(compiled), "XDG_DATA_HOME": str(tmp_path / "data")}


def test_the_wheel_holds_the_library_the_pipeline_and_the_dashboard_alone(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.split("/")[0] for name in names if "dist-info" not in name} == set(PACKAGES)
    assert "imgsim/sample/sample.zip" in names
    assert sum(file.file_size for file in zipfile.ZipFile(wheel).infolist() if "sample.zip" in file.filename) < 6e6


def test_the_environment_does_not_see_the_checkout(python: Path, folder: Path, environment: dict[str, str]) -> None:
    code = f"import importlib, sys; print([importlib.import_module(name).__file__ for name in {PACKAGES}], sys.path)"
    done = subprocess.run([python, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, check=True)
    assert str(PROJECT) not in done.stdout.replace(sysconfig.get_path("purelib"), "")
    assert done.stdout.count(str(python.parents[1] / "lib")) >= len(PACKAGES)


def test_run_query_and_ui_in_an_empty_folder(
    python: Path, folder: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    pictures = copy_sample(tmp_path / "shells", views=5)

    def imgsim(*arguments: object) -> str:
        command = [python, "-P", "-m", "imgsim", *map(str, arguments)]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    told = imgsim("run", pictures)
    assert "20 read, 0 rejected, skipped 0" in told
    assert "names of folders (4)" in told
    assert "imgsim-shells version 1 (challenger, champion)" in told
    assert "http://127.0.0.1:3000/" in told or "http://127.0.0.1:3000\n" in told
    picture = pictures / "cube" / "cube_00.jpg"
    (answer,) = json.loads(imgsim("query", "models:/imgsim-shells@champion", picture, "--json"))["queries"]
    first = answer["neighbors"][0]
    assert (first["path"], first["distance"]) == ("cube/cube_00.jpg", 0)
    with servers(python, folder, environment, tmp_path / "ui.txt") as (dagster, mlflow, dashboard):
        assets = fetch(f"{dagster}/graphql?query={quote('{assetNodes{assetKey{path}}}')}")
        assert "registered_model" in assets, "the code location is loaded"
        assert "champion" in fetch(f"{mlflow}/api/2.0/mlflow/registered-models/get?name=imgsim-shells")
        assert "<title>Streamlit</title>" in fetch(f"{dashboard}/evaluation")
        assert fetch(f"{dashboard}/thumbnails/none/0.jpg") == "404", "a route of our own"
    assert not list(folder.iterdir())
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["imgsim"]


@contextmanager
def servers(python: Path, folder: Path, environment: dict[str, str], log: Path) -> Iterator[list[str]]:
    """Addresses of Dagster, MLflow and the dashboard, started by ``imgsim ui`` and stopped by Ctrl-C."""
    ports = [free_port() for _ in range(3)]
    options = [f"--{name}-port={port}" for name, port in zip(("dagster", "mlflow", "dashboard"), ports, strict=True)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [python, "-P", "-m", "imgsim", "ui", *options], cwd=folder, env=environment, stdout=output, stderr=output
        )
    try:
        limit = time.monotonic() + SECONDS
        while "Ctrl-C stops" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < limit, log.read_text()
            time.sleep(0.3)
        yield [f"http://127.0.0.1:{port}" for port in ports]
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0, log.read_text()
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(60)


def fetch(address: str) -> str:
    """What the server answers; the status of an error."""
    try:
        with urlopen(address, timeout=30) as answer:
            return str(answer.read().decode())
    except HTTPError as error:
        return str(error.code)


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
