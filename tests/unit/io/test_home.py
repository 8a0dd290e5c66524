"""The working store's place: a variable, a folder upwards, or the user's data folder."""

import os
from pathlib import Path

import pytest

from imgsim.io.home import home as find_home


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder `project/a/b` without IMGSIM_HOME; the user's data folder is `data`."""
    monkeypatch.delenv("IMGSIM_HOME")
    monkeypatch.setattr("imgsim.io.home.FOLDER", ".imgsim-of-this-test")  # another may lie above the tests' folder
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    folder = tmp_path / "project" / "a" / "b"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return tmp_path / "project"


def test_the_default_does_not_follow_the_current_folder(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = find_home()
    monkeypatch.chdir(project)
    assert find_home() == here
    assert here.name == "imgsim"
    assert not here.is_relative_to(project)


def test_a_home_in_the_project_is_found_upwards_the_nearest_first(project: Path) -> None:
    (project / ".imgsim-of-this-test").mkdir()
    assert find_home() == project / ".imgsim-of-this-test"
    (project / "a" / ".imgsim-of-this-test").mkdir()
    assert find_home() == project / "a" / ".imgsim-of-this-test"
    (project / "a" / "b" / ".imgsim-of-this-test").write_text("a file is no home")
    assert find_home() == project / "a" / ".imgsim-of-this-test"


def test_a_home_of_another_user_is_left_alone(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / ".imgsim-of-this-test").mkdir()
    monkeypatch.setattr(os, "getuid", lambda: 4711)
    assert find_home() != project / ".imgsim-of-this-test"


@pytest.mark.parametrize("name", ["plain", "100% mine", "what?", "#1", "~nobody-of-that-name/store"])
def test_the_variable_wins(project: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    (project / ".imgsim-of-this-test").mkdir()
    monkeypatch.setenv("IMGSIM_HOME", name)
    assert find_home() == project / "a" / "b" / name


def test_the_current_folder_may_be_gone(project: Path) -> None:
    (project / "a" / "b").rmdir()
    assert find_home().name == "imgsim"
