"""The benchmarks run, on a handful of images, and write what docs/benchmarks.json is made from."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.sample_images import copy_sample

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True)
class Measured:
    """What the benchmarks printed and wrote, and the home of the user who called them."""

    printed: str
    written: dict[str, Any]
    home: Path


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    """Four of them for 24 pictures, by one command."""
    folder = tmp_path_factory.mktemp("benchmarks")
    images, output, home = copy_sample(folder / "few", views=6), folder / "results.json", folder / "home"
    command = [sys.executable, "-m", "tests.benchmarks", "--images", str(images), "--output", str(output)]
    few = ["--images-number", "60", "--seconds", "0.5", "--clients", "1", "5"]
    done = subprocess.run(
        [*command, "--only", "stages", "query", "scale", "load", *few],
        cwd=REPOSITORY,
        env=os.environ | {"IMGSIM_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert str(folder) not in output.read_text()
    return Measured(done.stdout, json.loads(output.read_text()), home)


def test_stages_and_query(measured: Measured) -> None:
    assert "end to end" in measured.printed
    found = measured.written
    assert set(found) == {"environment", "settings", "results", "failed"}
    assert {"cpu", "cores", "python", "versions"} <= set(found["environment"])
    assert found["settings"] == {"images": "few", "backbone": "mini", "weights": None}
    assert found["failed"] == []
    assert list(found["results"]) == ["stages", "query", "scale", "load"]
    assert not (measured.home / "store").exists(), "the user's store is never touched"
    stages = {row["what"]: row for row in found["results"]["stages"]}
    assert stages["files to features, end to end"]["images"] == 24
    assert all(row["images_per_cpu_s"] > 0 for row in stages.values() if "images" in row)
    assert all(0 < row["p50_ms"] <= row["p99_ms"] for row in found["results"]["query"])


def test_scale(measured: Measured) -> None:
    rows = {row["what"]: row for row in measured.written["results"]["scale"]}
    assert {what: row["images"] for what, row in rows.items() if "images" in row} == {
        "first: all": 60,
        "1% more, updated: all": 61,
        "1% more: all": 61,
        "nothing new: all": 61,
    }
    assert {"scan", "features", "create, features stored", "save", "register"} == {
        what.removeprefix("first: ") for what in rows if what.startswith("first: ") and "images" not in rows[what]
    }
    assert all(row["peak_mb"] > 50 for row in rows.values())


def test_load(measured: Measured) -> None:
    rows = measured.written["results"]["load"]
    assert [row["clients"] for row in rows] == [1, 5] * 2
    assert {row["what"] for row in rows} == {"mlflow models serve", "dashboard"}
    assert all(row["answers"] >= row["clients"] for row in rows)
