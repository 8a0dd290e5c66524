"""What `make install` runs, printed and not run."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def commands(*arguments: str) -> list[str]:
    if shutil.which("make") is None:
        pytest.skip("needs make")
    line = ["make", "--dry-run", "--always-make", "install", "VENV=nowhere", *arguments]
    return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


def test_the_clone_is_found_beside_a_folder_of_its_name(tmp_path):
    """In the folder that holds the clone, Python would take the clone's own folder for the package."""
    assert all("editable_mode=compat" in line for line in commands() if "--editable" in line)
    (tmp_path / "imgsim").mkdir()
    code = f"import sys; sys.path[:] = ['', *sys.path, {str(ROOT)!r}]; import imgsim; print(imgsim.load_images)"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)


def test_torch_comes_from_another_index_on_demand():
    assert not [line for line in commands() if "--index-url" in line]
    (line,) = [line for line in commands("TORCH_INDEX=https://example.org/cpu") if "--index-url" in line]
    assert line.endswith('--index-url "https://example.org/cpu" torch torchvision')
