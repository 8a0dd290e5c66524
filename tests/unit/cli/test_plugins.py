"""Commands that come by entry points."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import imgsim
from tests.commands import imgsim_command

ROOT = Path(imgsim.__file__).parents[1]


def test_commands_of_the_pipeline_are_found(capfd: pytest.CaptureFixture[str]) -> None:
    assert imgsim_command("--help") == 0
    shown = capfd.readouterr().out
    assert "\n  run " in shown
    assert "\n  ui " in shown
    assert imgsim_command("rnu") == 2
    assert "Did you mean 'run'?" in capfd.readouterr().err


@pytest.mark.parametrize("command", ["run", "ui"])
def test_without_the_pipeline_they_name_the_extra(
    command: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for module in ("dagster", "dagster_webserver"):
        monkeypatch.setitem(sys.modules, module, None)
    assert imgsim_command(command, "--help") == 0
    assert imgsim_command(command) == 1
    error = capfd.readouterr().err
    assert error.startswith(f"error: imgsim {command} needs Dagster and Dagster's web server: pip install")
    assert "[pipeline]" in error


def test_another_package_adds_a_command_and_replaces_none(tmp_path: Path) -> None:
    (tmp_path / "foreign.py").write_text("def greet(name: str) -> None:\n    print(f'hello {name}')\n")
    metadata = tmp_path / "foreign-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: foreign\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[imgsim.commands]\ngreet = foreign:greet\nload = foreign:greet\n")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}

    def shown(*arguments: str) -> str:
        line = [sys.executable, "-m", "imgsim", *arguments]
        return subprocess.run(line, env=environment, capture_output=True, text=True, check=True).stdout

    assert shown("greet", "you") == "hello you\n"
    assert "contact sheet" in shown("load", "--help")
