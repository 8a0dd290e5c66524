"""The benchmarks run, on a handful of images, and write what docs/benchmarks.json is made from."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from imgsim.costs import Costs
from tests.benchmarks.costs import costs
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
    assert set(found) == {"environment", "settings", "results", "failed", "costs"}
    assert found["costs"] is None, "not all that a plan needs was measured"
    assert {"cpu", "cores", "python", "versions"} <= set(found["environment"])
    assert found["settings"] == {"images": "few", "backbone": "mini", "weights": None}
    assert found["failed"] == []
    assert list(found["results"]) == ["stages", "query"]
    assert not (home / "store").exists(), "the user's store is never touched"
    stages = {row["what"]: row for row in found["results"]["stages"]}
    assert stages["files to features, end to end"]["images"] == 24
    assert all(row["images_per_cpu_s"] > 0 for row in stages.values() if "images" in row)
    assert all(0 < row["p50_ms"] <= row["p99_ms"] for row in found["results"]["query"])
    _check_costs(tmp_path, found)


def _check_costs(tmp_path: Path, found: dict) -> None:
    """What was measured is what a plan reads; the graph's rows are as their benchmarks write them."""
    graph = [{"what": "exact (auto)", "rows": 1000, "dimensions": 128, "cpu_s": 0.01}]
    joined = [{"what": "few: partitioned", "rows": 1000, "partitions": 8, "pairs_share": 0.3, "cpu_s": 0.02}]
    results = found["results"] | {"graph": graph, "partitioned": joined}
    path = tmp_path / "costs.json"
    path.write_text(json.dumps({"costs": costs(results, "mini", "few", found["environment"])}))
    read = Costs.read(path, "mini")
    assert read.feature_dims == 2304
    assert read.flops == pytest.approx(1000**2 * 256 / 0.01)
    assert read.join_s == pytest.approx(2e-5 - (300 + 8) * 256 / read.flops)
    assert 0 < read.scan_s < read.decode_s + read.network_s
    assert read.thumbnail_bytes > 100


@pytest.mark.slow
def test_load(tmp_path: Path) -> None:
    _, found = measured(tmp_path, "--only", "load", "--seconds", "0.5", "--clients", "1", "5")
    rows = found["results"]["load"]
    assert [row["clients"] for row in rows] == [1, 5] * 2
    assert {row["what"] for row in rows} == {"mlflow models serve", "dashboard"}
    assert all(row["answers"] >= row["clients"] for row in rows)
