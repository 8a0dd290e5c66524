"""The benchmarks run, on a handful of images, and write what docs/benchmarks.json is made from."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.sample_images import copy_sample

REPOSITORY = Path(__file__).parents[2]


def measured(tmp_path: Path, *options: str) -> tuple[str, dict[str, Any]]:
    """What the benchmarks print and write for 24 pictures."""
    images = copy_sample(tmp_path / "few", views=6)
    output = tmp_path / "results.json"
    command = [sys.executable, "-m", "tests.benchmarks", "--images", str(images), "--output", str(output)]
    done = subprocess.run([*command, *options], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert str(tmp_path) not in output.read_text()
    return done.stdout, json.loads(output.read_text())


@pytest.mark.slow
def test_stages_and_query(tmp_path: Path, home: Path) -> None:
    printed, found = measured(tmp_path, "--only", "stages", "query")
    assert "end to end" in printed
    assert set(found) == {"environment", "settings", "results", "failed"}
    assert {"cpu", "cores", "python", "versions"} <= set(found["environment"])
    assert found["settings"] == {"images": "few", "backbone": "mini", "weights": None}
    assert found["failed"] == []
    assert list(found["results"]) == ["stages", "query"]
    assert not (home / "store").exists(), "the user's store is never touched"
    stages = {row["what"]: row for row in found["results"]["stages"]}
    assert stages["files to features, end to end"]["images"] == 24
    assert all(row["images_per_cpu_s"] > 0 for row in stages.values() if "images" in row)
    assert all(0 < row["p50_ms"] <= row["p99_ms"] for row in found["results"]["query"])


@pytest.mark.slow
def test_scale(tmp_path: Path) -> None:
    _, found = measured(tmp_path, "--only", "scale", "--images-number", "60")
    rows = {row["what"]: row for row in found["results"]["scale"]}
    assert {what: row["images"] for what, row in rows.items() if "images" in row} == {
        "first: all": 60,
        "1% more: all": 61,
        "nothing new: all": 61,
    }
    assert {"scan", "features", "create, features stored", "save", "register"} == {
        what.removeprefix("first: ") for what in rows if what.startswith("first: ") and "images" not in rows[what]
    }
    assert all(row["peak_mb"] > 50 for row in rows.values())


@pytest.mark.slow
def test_load(tmp_path: Path) -> None:
    _, found = measured(tmp_path, "--only", "load", "--seconds", "0.5", "--clients", "1", "5")
    rows = found["results"]["load"]
    assert [row["clients"] for row in rows] == [1, 5] * 2
    assert {row["what"] for row in rows} == {"mlflow models serve", "dashboard"}
    assert all(row["answers"] >= row["clients"] for row in rows)
