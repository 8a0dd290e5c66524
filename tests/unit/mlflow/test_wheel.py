"""The wheel that a model carries installs, and answers queries without the package it was made from."""

import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import imgsim
from imgsim.distribution import installed_version
from imgsim.mlflow.wheel import write_wheel

SCRIPT = """
import sys, imgsim
model = imgsim.load_model(sys.argv[1])
print(imgsim.__file__, imgsim.__version__, len(model.query(model.thumbnails([0])[0], k=2)), "torch" in sys.modules)
"""


def test_the_same_modules_give_the_same_wheel(tmp_path: Path) -> None:
    first, second = write_wheel(tmp_path / "a"), write_wheel(tmp_path / "b")
    assert first.name == second.name
    assert first.name.startswith(f"imgsim_kit-{installed_version()}")
    assert first.read_bytes() == second.read_bytes()


def test_it_holds_modules_only(tmp_path: Path) -> None:
    with ZipFile(write_wheel(tmp_path)) as archive:
        names = set(archive.namelist())
    modules = {f"imgsim/{path.relative_to(Path(imgsim.__file__).parent)}" for path in _modules()}
    assert {name for name in names if ".dist-info/" not in name} == modules
    assert len(names - modules) == 3


def _modules() -> list[Path]:
    return [path for path in Path(imgsim.__file__).parent.rglob("*.py") if "__pycache__" not in path.parts]


def test_it_installs_and_answers(tmp_path: Path, tiny_model: imgsim.SimilarityModel) -> None:
    wheel = write_wheel(tmp_path)
    tiny_model.save(tmp_path / "m")
    where = tmp_path / "site"
    options = ["--no-deps", "--no-index", "--no-compile", "--quiet", "--disable-pip-version-check", "--target", where]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, wheel], check=True)
    environment = {**os.environ, "PYTHONPATH": str(where)}
    command = [sys.executable, "-c", SCRIPT, tmp_path / "m"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    file, version, rows, torch = done.stdout.split()
    assert Path(file).is_relative_to(where)
    assert wheel.name == f"imgsim_kit-{version}-py3-none-any.whl"
    assert (rows, torch) == ("2", "False")
