"""The wheel that a model carries installs, and answers queries without the package it was made from."""

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from zipfile import ZipFile

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import imgsim
from imgsim.distribution import installed_version
from imgsim.mlflow.flavor import get_default_pip_requirements
from imgsim.mlflow.wheel import write_wheel

SCRIPT = """
import sys
sys.modules.update(dict.fromkeys(sys.argv[2:]))
import imgsim
model = imgsim.load_model(sys.argv[1])
print(imgsim.__file__, imgsim.__version__, len(model.query(model.thumbnails([0])[0], k=2)), sep="\\n")
"""


def not_in_a_fresh_environment() -> list[str]:
    """List the modules installed here that the requirements of a model do not bring along."""
    wanted, brought = ["mlflow", *(line.partition("==")[0] for line in get_default_pip_requirements())], set()
    while wanted:
        name = canonicalize_name(wanted.pop())
        if name not in brought:
            brought.add(name)
            needs = map(Requirement, metadata.requires(name) or [])
            wanted += [one.name for one in needs if one.marker is None or one.marker.evaluate({"extra": ""})]
    owners = metadata.packages_distributions().items()
    others = {module for module, names in owners if not brought & {canonicalize_name(name) for name in names}}
    return sorted(others - {"imgsim", "pip"})


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
    absent = not_in_a_fresh_environment()
    assert {"torch", "rich", "tqdm"} <= set(absent)
    command = [sys.executable, "-c", SCRIPT, tmp_path / "m", *absent]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    file, version, rows = done.stdout.splitlines()
    assert Path(file).is_relative_to(where)
    assert wheel.name == f"imgsim_kit-{version}-py3-none-any.whl"
    assert rows == "2"
