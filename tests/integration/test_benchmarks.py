"""The benchmarks run, on a handful of images, and write what the README's tables are made from."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import imgsim

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.slow
def test_stages_and_query(tmp_path: Path, home: Path) -> None:
    images = imgsim.render_sample(tmp_path / "few", views=6, kinds=("sphere", "cube", "torus", "bricks"), messy=False)
    output = tmp_path / "results.json"
    command = [sys.executable, "-m", "tests.benchmarks", "--images", str(images), "--output", str(output)]
    done = subprocess.run(
        [*command, "--only", "stages", "query"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "end to end" in done.stdout
    found = json.loads(output.read_text())
    assert set(found) == {"environment", "settings", "results", "failed"}
    assert {"cpu", "cores", "python", "versions"} <= set(found["environment"])
    assert found["settings"] == {"images": "few", "backbone": "mini", "weights": None}
    assert found["failed"] == []
    assert list(found["results"]) == ["stages", "query"]
    assert str(tmp_path) not in output.read_text()
    assert not (home / "store").exists(), "the user's store is never touched"
    stages = {row["what"]: row for row in found["results"]["stages"]}
    assert stages["files to features, end to end"]["images"] == 24
    assert all(row["images_per_cpu_s"] > 0 for row in stages.values() if "images" in row)
    assert all(0 < row["p50_ms"] <= row["p99_ms"] for row in found["results"]["query"])
