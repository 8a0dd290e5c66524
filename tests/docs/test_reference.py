"""The reference is complete: variables, public names, and the files of a model."""

import re
import subprocess
from pathlib import Path

import imgsim
from docs import generated_pages
from imgsim.references.manifest import PARTS

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"


def sources() -> list[Path]:
    """Files that git knows, but for the documentation; all of the rooms where there is no git."""
    rooms = ["imgsim", "orchestration", "dashboards", "training", "tests", "deploy", "Makefile"]
    listed = subprocess.run(["git", "ls-files", *rooms], cwd=ROOT, capture_output=True, text=True, check=False)
    names = listed.stdout.splitlines() or [str(path) for room in rooms for path in (ROOT / room).rglob("*.py")]
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def test_every_variable_that_is_read_is_explained():
    read = {
        name for path in sources() for name in re.findall(r"\bIMGSIM_[A-Z_]*[A-Z]\b", path.read_text(errors="ignore"))
    }
    explained = set(re.findall(r"`(IMGSIM_[A-Z_]+)`", (REFERENCE / "environment.md").read_text()))
    assert len(read) >= 9
    assert explained == read


def test_every_public_name_has_a_page():
    page = generated_pages.api_page()
    listed = set(re.findall(r"^   (imgsim\.\S+)$", page, re.MULTILINE))
    assert listed >= {f"imgsim.{name}" for name in imgsim.__all__ if not name.startswith("__")}
    assert "   :toctree: generated" in page


def test_every_command_has_its_help():
    page = generated_pages.cli_page()
    for name in ("load", "create", "query", "duplicates", "doctor"):
        assert f"## `imgsim {name}`" in page
        assert f"Usage: imgsim {name} " in page


def test_every_file_of_a_model_is_explained():
    text = (REFERENCE / "model_format.md").read_text()
    assert [name for name in PARTS if f"`{name}`" not in text] == []


def test_every_benchmark_is_on_the_page():
    page = (ROOT / "docs" / "benchmarks.md").read_text()
    assert re.findall(r"_generated/benchmarks/(\w+)\.md", page) != []
    assert set(re.findall(r"_generated/benchmarks/(\w+)\.md", page)) == set(generated_pages.benchmarks())


def test_the_architecture_names_every_room():
    text = (ROOT / "docs" / "explanation" / "architecture.md").read_text()
    rooms = {path.parent.name for path in (ROOT / "imgsim").glob("*/__init__.py")}
    assert len(rooms) > 10
    assert [room for room in sorted(rooms) if f"`{room}/`" not in text and f"`{room}`" not in text] == []


def test_files_that_are_named_exist():
    pages = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
    pages += [path for path in (ROOT / "docs").rglob("*.md") if "_" not in path.relative_to(ROOT).parts[1][:1]]
    named = {
        name for path in pages for name in re.findall(r"`((?:tests|imgsim|docs|deploy)/[\w./-]+)`", path.read_text())
    }
    made = {"tests/benchmarks/results.json", "imgsim/insights/twins.py", "docs/_build"}  # by whoever follows the page
    assert len(named) > 20
    assert sorted(name for name in named - made if not (ROOT / name).exists()) == []
