import errno
import json
import zipfile
from copy import copy
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dashboards.services.models.loaded_model import Loaded
from dashboards.views.phone_app import package
from dashboards.views.phone_app.package import NoPackage, Package
from imgsim.deployment.verification import VerificationReport
from imgsim.errors import ModelFormatError
from imgsim.mlflow.version import Version

REPORT = VerificationReport(
    "passed",
    "it agrees with Python",
    8,
    10,
    {"file": 5, "generated": 3},
    {"distance_error_max": 0.02, "relative_error_max": 0.03, "top1": 0.9, "topk": 0.7},
    {"relative_error_max": 0.1, "top1": 0.85, "topk": 0.85},
)


def export(folder: Path, kind: str = "distance", name: str = "tiny.mlpackage") -> Package:
    (folder / name).mkdir(parents=True)
    (folder / name / "Manifest.json").write_text("{}")
    (folder / "export.json").write_text("{}")
    return Package(
        name, 2, {"image": "224 x 224"}, {"distance": "(40)"}, 40, 30, kind, "mixed", "none", "iOS 16", REPORT, folder
    )


def carrying(loaded: Loaded, folder: Path | None) -> Loaded:
    model = copy(loaded.model)
    model.references.coreml = folder
    return Loaded("imgsim-tiny", "1", "phone-app-token", model)


def test_a_version_without_package_says_so(loaded: Loaded):
    with pytest.raises(NoPackage, match="registered without one"):
        package.package(carrying(loaded, None))


def test_the_reason_why_nothing_was_exported_is_said(loaded: Loaded, tmp_path: Path):
    notes = {"name": "", "reason": "coremltools is not installed", "facts": {}, "verification": None}
    (tmp_path / "export.json").write_text(json.dumps(notes))
    with pytest.raises(NoPackage, match="not possible: coremltools is not installed"):
        package.package(carrying(loaded, tmp_path))


@pytest.mark.parametrize("notes", ["", "{}", '{"name": "x.mlpackage", "reason": "", "facts": {"bytes": 3}}'])
def test_a_damaged_package_is_named_without_the_path_of_this_machine(loaded: Loaded, tmp_path: Path, notes: str):
    (tmp_path / "export.json").write_text(notes)
    with pytest.raises(NoPackage, match="is damaged") as problem:
        package.package(carrying(loaded, tmp_path))
    assert str(tmp_path) not in str(problem.value)


def test_a_package_that_cannot_be_read_for_now_is_not_called_damaged(loaded: Loaded, tmp_path: Path, monkeypatch):
    def fail(_):
        raise ModelFormatError("unreadable") from OSError(errno.EMFILE, "Too many open files", str(tmp_path))

    monkeypatch.setattr(package.DevicePackage, "load", fail)
    with pytest.raises(NoPackage, match=r"cannot be read at the moment \(too many open files\)"):
        package.package(carrying(loaded, tmp_path))


def test_figures_are_held_against_their_limits():
    table = package.verification_table(REPORT).set_index("figure")
    assert table["result"].to_dict() == {
        "distance_error_max": "no limit",
        "relative_error_max": "passes",
        "top1": "passes",
        "topk": "FAILS",
    }
    assert table.loc["topk", "limit"] == "at least 0.85"
    assert table.loc["relative_error_max", "limit"] == "at most 0.1"
    assert (table["meaning"] != "").all()


def test_what_was_compared_is_said():
    status, words = package.verdict(REPORT)
    assert status == "passed"
    assert words == "8 pictures (5 from the files, 3 from a generator) were compared with Python: it agrees with Python"
    assert package.verdict(None) == ("not verified", "The package was never run.")


def test_the_call_names_the_model_and_fits_its_outputs(tmp_path: Path):
    distance = package.swift_call(export(tmp_path / "a"))
    assert 'forResource: "tiny"' in distance
    assert "search.nearest(to: jpegData" in distance
    features = package.swift_call(export(tmp_path / "b", kind="features"))
    assert "FeatureIndex(dimension: 30)" in features


@pytest.mark.parametrize(
    ("text", "literal"),
    [("plain", '"plain"'), ('a"b\\c', '"a\\"b\\\\c"'), ("\\(run())", '"\\\\(run())"'), ("x\ny", '"x\\u{a}y"')],
)
def test_a_name_stays_a_string_in_swift(text: str, literal: str):
    assert package.swift_string(text) == literal


def test_how_to_make_a_package():
    version = Version("imgsim-tiny", "3", (), datetime(2026, 1, 1, tzinfo=UTC), {}, {}, None, None)
    assert "imgsim export models:/imgsim-tiny/3 tiny.mlpackage" in package.commands(version)


def test_the_zip_holds_the_package_its_notes_and_the_swift_package(loaded: Loaded, tmp_path: Path, home: Path):
    found = export(tmp_path / "export")
    path = package.archive(carrying(loaded, tmp_path), found)
    assert path.is_relative_to(home)
    names = zipfile.ZipFile(path).namelist()
    assert {"tiny/tiny.mlpackage/Manifest.json", "tiny/export.json"} <= set(names)
    assert "tiny/ImageSimilarity/Package.swift" in names
    made = path.stat().st_mtime_ns
    assert package.archive(carrying(loaded, tmp_path), found) == path
    assert path.stat().st_mtime_ns >= made


def test_few_zips_stay_on_disk(loaded: Loaded, tmp_path: Path):
    found = export(tmp_path / "export")
    for number in range(package.KEPT + 2):
        path = package.archive(Loaded("imgsim-tiny", "1", f"token-{number}", loaded.model), found)
    assert len(list(path.parent.iterdir())) == package.KEPT
    assert path.exists()
