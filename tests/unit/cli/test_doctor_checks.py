"""What `doctor` finds on a machine that works, and on ones that do not."""

import json
import sys
import tomllib
from dataclasses import asdict
from pathlib import Path

import pytest
from typer.testing import CliRunner

import imgsim
from imgsim.cli import app, doctor_checks
from imgsim.distribution import DISTRIBUTION
from imgsim.errors import StoreError

PROJECT = Path(imgsim.__file__).parents[1] / "pyproject.toml"


def test_this_machine_has_what_is_required(shared_home: Path, monkeypatch: pytest.MonkeyPatch, tiny_model: object):
    monkeypatch.setenv("IMGSIM_HOME", str(shared_home))
    results = doctor_checks.run_checks()
    assert [asdict(result) for result in results if result.status == "failed"] == []
    assert all(result.detail for result in results)
    assert len({result.name for result in results}) == len(results)


@pytest.mark.skipif(not PROJECT.exists(), reason="not a source tree")
def test_packages_are_those_of_the_project():
    project = tomllib.loads(PROJECT.read_text())["project"]

    def needs(table: dict[str, tuple[str, str]]) -> set[str]:
        return {f"{name}>={oldest}" for name, (_, oldest) in table.items()}

    assert set(project["dependencies"]) == needs(doctor_checks.REQUIRED)
    for extra, table in doctor_checks.EXTRAS.items():
        assert {line.split("[")[0].split(";")[0] for line in project["optional-dependencies"][extra]} >= needs(table), (
            extra
        )


def test_doctor_as_json(shared_home: Path, monkeypatch: pytest.MonkeyPatch, tiny_model: object):
    monkeypatch.setenv("IMGSIM_HOME", str(shared_home))
    result = CliRunner().invoke(app, ["doctor", "--json"])
    found = json.loads(result.stdout)
    assert result.exit_code == 0
    assert found["ok"]
    assert {"python", "home", "network", "decode AVIF", "mlflow store"} <= {check["name"] for check in found["checks"]}


def test_a_failed_check_fails_the_command(monkeypatch: pytest.MonkeyPatch):
    bad = [
        doctor_checks.Result("home", "failed", "[red]full", "Free space."),
        doctor_checks.Result("gpu", "ok", "none"),
    ]
    monkeypatch.setattr(doctor_checks, "run_checks", lambda: bad)
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 1
    assert "[red]full" in result.stdout
    assert "Free space." in result.stdout


def test_packages_missing_and_old():
    assert doctor_checks.check_package("no-such-package", "no_such_package", "1").status == "failed"
    assert doctor_checks.check_package("numpy", "numpy", "999").detail.endswith("is older than 999")
    assert doctor_checks.check_package("numpy", "no_such_module", "1").status == "failed"
    assert doctor_checks._numbers("2.6.0rc1+cpu") == (2, 6, 0)
    assert doctor_checks._numbers("3.10") > doctor_checks._numbers("3.9.5")


def install(folder: Path, name: str, version: str) -> None:
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


def test_the_foreign_package_of_the_same_name_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    install(tmp_path, DISTRIBUTION, "7.0")
    assert doctor_checks.check_distribution() == doctor_checks.Result("distribution", "ok", f"{DISTRIBUTION} 7.0")
    install(tmp_path, "imgsim", "0.1.2")
    found = doctor_checks.check_distribution()
    assert found.status == "warning"
    assert "imgsim 0.1.2" in found.detail
    assert found.advice.startswith(f"Run pip uninstall imgsim {DISTRIBUTION},")


def test_an_extra_that_is_missing_only_warns(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(doctor_checks.EXTRAS, "heic", {"no-such-package": ("no_such_package", "1")})
    result = doctor_checks.check_extra("heic")
    assert result.status == "warning"
    assert "imgsim-kit[heic]" in result.advice


def test_home_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("IMGSIM_HOME", str(tmp_path / "file" / "below"))
    result = doctor_checks.check_home()
    assert result.status == "failed"
    assert "IMGSIM_HOME" in result.advice


def test_home_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("IMGSIM_HOME", str(tmp_path / "not" / "there"))
    assert doctor_checks.check_home().status in ("ok", "warning")
    assert not (tmp_path / "not").exists()


def test_little_space(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor_checks, "FREE_LOW", 1e18)
    assert doctor_checks.check_home().status == "warning"
    monkeypatch.setattr(doctor_checks, "FREE_LEAST", 1e17)
    assert doctor_checks.check_home().status == "failed"


def test_damaged_weights(monkeypatch: pytest.MonkeyPatch):
    assert doctor_checks.check_weights().status == "ok"
    monkeypatch.setattr(doctor_checks, "MINI_SHA256", "0" * 64)
    assert "damaged" in doctor_checks.check_weights().detail


@pytest.mark.parametrize("name", list(doctor_checks.FORMATS))
def test_decodes(name: str):
    assert doctor_checks.check_decode(name).status == "ok"


def test_heic():
    pytest.importorskip("pillow_heif")
    assert doctor_checks.check_heic().status == "ok"


def test_mlflow_that_does_not_answer(monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("mlflow")
    assert "will be created" in doctor_checks.check_mlflow().detail
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    result = doctor_checks.check_mlflow()
    assert result.status == "warning"
    assert "127.0.0.1:9" in result.detail


def test_a_check_that_breaks_is_a_finding():
    def broken() -> doctor_checks.Result:
        raise StoreError("the disk is gone")

    assert doctor_checks._guarded("x", broken) == doctor_checks.Result("x", "failed", "the disk is gone")
