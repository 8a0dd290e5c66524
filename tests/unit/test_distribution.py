"""No message and no document sends anyone to the package index for `imgsim`: there it is somebody else's."""

import re
from pathlib import Path

import pytest

import imgsim
from imgsim.distribution import DISTRIBUTION, install_command, installed_version

ROOT = Path(imgsim.__file__).parents[1]
FOLDERS = ("imgsim", "orchestration", "dashboards", "training", "deploy", "docs", "tools")
SUFFIXES = {".py", ".md", ".toml", ".txt", ".yaml", ".yml", ".js", ".ipynb", ".rst", ".swift", ".cfg", ""}
FOREIGN = re.compile(
    r"\b(?:install|add|download|upgrade|require)\b(?:[ \"',-]|--?[\w-]+)*[ \"']imgsim(?![\w./-])"  # a bare name
    r"|\bimgsim\[[a-z0-9,]+\](?![\w(])"  # the name with an extra
    r"|\bimgsim ?(?:==|>=|~=) ?\d"  # the name with a version
)


def wrong(text: str) -> list[str]:
    return [match.group() for match in FOREIGN.finditer(text)]


@pytest.mark.parametrize(
    "text",
    ["pip install {}", 'uv pip install --upgrade "{}', "uv add {}", "{}[s3,heic]", "{}==0.1.0"],
)
def test_what_is_searched_for_is_found(text):
    assert wrong(text.format("imgsim"))
    assert not wrong(text.format(DISTRIBUTION))


@pytest.mark.skipif(not (ROOT / "pyproject.toml").exists(), reason="not a source tree")
def test_nothing_asks_to_install_the_foreign_package():
    files = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*")]
    files += [*ROOT.iterdir(), *(ROOT / "tests").rglob("*.py")]  # models of earlier versions there name it
    texts = [path for path in files if path.is_file() and path.suffix in SUFFIXES and path != Path(__file__)]
    assert len(texts) > 300
    found = {str(path.relative_to(ROOT)): wrong(path.read_text(errors="ignore")) for path in texts}
    assert {name: matches for name, matches in found.items() if matches} == {}


def test_advice_names_our_distribution():
    assert install_command("heic") == 'pip install "imgsim-kit[heic]"'


def test_the_version_is_that_of_our_distribution(monkeypatch, tmp_path):
    assert imgsim.__version__ == installed_version()
    monkeypatch.setattr("sys.path", [str(tmp_path / "empty")])
    assert installed_version() == "0+source"
    (tmp_path / "imgsim_kit-7.0.dist-info").mkdir()
    (tmp_path / "imgsim_kit-7.0.dist-info" / "METADATA").write_text("Name: imgsim-kit\nVersion: 7.0\n")
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    assert installed_version() == "7.0"
