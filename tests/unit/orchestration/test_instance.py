"""Dagster's own folder: settings made once, and what is missing for those that are there is named."""

import sys
from pathlib import Path

import pytest
import yaml

from imgsim.errors import MissingExtraError
from orchestration.instance import SETTINGS, prepare_instance
from tests.commands import imgsim_command


def test_settings_are_made_once(home: Path) -> None:
    settings = prepare_instance() / "dagster.yaml"
    assert settings == home / "dagster" / "dagster.yaml"
    assert yaml.safe_load(settings.read_text()) == yaml.safe_load(SETTINGS)
    settings.write_text("# nothing but this\n")
    prepare_instance()
    assert settings.read_text() == "# nothing but this\n"


def test_records_in_postgresql_without_its_packages(
    home: Path, tiny_images: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "dagster_postgres", None)
    (home / "dagster" / "dagster.yaml").write_text("storage: {postgres: {postgres_url: 'postgresql+psycopg2:///d'}}")
    with pytest.raises(MissingExtraError, match=r'dagster\.yaml .* pip install "imgsim-kit\[team\]"'):
        prepare_instance()
    assert imgsim_command("run", tiny_images, "--backbone", "mini") == 1
    assert imgsim_command("ui") == 1
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert ["imgsim-kit[team]" in line for line in errors] == [True, True]
