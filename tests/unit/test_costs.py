"""The plan of a collection: its figures against the formulas, what they scale with, and where costs come from."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from imgsim.cli import app
from imgsim.cli.plan import readable
from imgsim.costs import EFFICIENCY, Costs, Figure, Machines, plan
from imgsim.errors import ArgumentError, ArgumentTypeError
from imgsim.neighbors.partitioned.plan import Partitioning

COSTS = Costs("here", "resnet50", 2048, 100_000, 5_000, 1e-4, 2e-3, 0.1, 6e10, 2e-5)


def values(figures: list[Figure]) -> dict[tuple[str, str], float]:
    found = {(figure.group, figure.what): figure.value for figure in figures}
    assert len(found) == len(figures)
    return found


def test_figures_are_what_the_formulas_say() -> None:
    n = 10_000_000
    found = values(plan(n, COSTS, Machines(20, 16), dims=128, k=10, partitioning=Partitioning(4096, 2)))
    partitions = -(-2 * n // 4096)
    assert found["storage", "the images themselves"] == n * 100_000
    assert found["storage", "features"] == n * 2048 * 4
    assert found["storage", "embeddings"] == n * 128 * 4
    assert found["storage", "neighbour graph"] == n * 10 * 8
    assert found["work", "network"] == pytest.approx(n * 0.1)
    assert found["work", "assign to partitions"] == pytest.approx(n * partitions * 2 * 128 / 6e10)
    assert found["work", "search in partitions"] == pytest.approx(n * 2 * 4096 * 2 * 128 / 6e10)
    assert found["work", "join and refine"] == pytest.approx(n * 2e-5)
    assert found["traffic", "vectors to partitions"] == n * 2 * (128 * 4 + 8)
    assert found["memory", "arrays of a worker that searches"] == 2 * 8192 * 128 * 4 + 32 * 2**20
    assert found["memory", "arrays of a worker that joins"] == 4 * 65_536 * 2 * 20 * 8
    work = sum(value for (group, _), value in found.items() if group == "work")
    assert found["time", "in all"] == pytest.approx(work / (20 * 16 * EFFICIENCY))
    drivers = [figure for figure in plan(n, COSTS, Machines(20, 16)) if figure.group == "cost drivers"]
    assert drivers[0].what == "network"
    assert sum(figure.value for figure in drivers) == pytest.approx(1)


def test_gpus_take_the_network_and_decoding_may_be_what_waits() -> None:
    n = 1_000_000
    fast = values(plan(n, COSTS, Machines(1, 8, 1, 5000)))
    assert fast["work", "network"] == n / 5000
    assert fast["time", "features"] == pytest.approx(n * 2.1e-3 / (8 * EFFICIENCY))  # eight cores feed 3,810 a second
    slow = values(plan(n, COSTS, Machines(1, 8, 1, 100)))
    assert slow["time", "features"] == pytest.approx(n / 100 / EFFICIENCY)


def test_a_small_collection_has_no_partitions() -> None:
    found = values(plan(1000, COSTS, Machines()))
    assert ("work", "join and refine") not in found
    assert ("traffic", "partial edges") not in found
    assert found["work", "search in partitions"] == pytest.approx(1000 * 1000 * 2 * 128 / 6e10)


@given(st.integers(1, 10**10), st.integers(1, 1000), st.integers(1, 256))
def test_more_machines_never_take_longer_and_nothing_is_negative(n: int, machines: int, cores: int) -> None:
    one, many = (values(plan(n, COSTS, Machines(count, cores))) for count in (1, machines))
    assert min(many.values()) >= 0
    assert many["time", "in all"] <= one["time", "in all"] * 1.000001
    assert {key: value for key, value in one.items() if key[0] != "time"} == {
        key: value for key, value in many.items() if key[0] != "time"
    }


@pytest.mark.parametrize("images", [0, -1, float("nan"), float("inf")])
def test_impossible_numbers_are_refused(images: float) -> None:
    with pytest.raises(ArgumentError, match="images must be at least 1"):
        plan(images, COSTS, Machines())


def test_impossible_machines_are_refused() -> None:
    with pytest.raises(ArgumentError, match="GPUs need their rate"):
        Machines(1, 1, 2)
    with pytest.raises(ArgumentError, match="GPUs need their rate"):
        Machines(1, 1, 0, 5000)
    with pytest.raises((ArgumentError, ArgumentTypeError)):
        Machines(0)
    with pytest.raises(ArgumentError, match="mean size of a file"):
        plan(10, COSTS, Machines(), file_bytes=0)


def test_costs_are_read_from_a_benchmark(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text(json.dumps({"costs": asdict(COSTS)}))
    assert Costs.read(path, "resnet50") == COSTS
    with pytest.raises(ArgumentError, match=r"measured the backbone 'resnet50', not 'mini'.*make bench"):
        Costs.read(path, "mini")
    path.write_text(json.dumps({"costs": {"backbone": "mini"}}))
    with pytest.raises(ArgumentError, match=r"results\.json holds no measured costs.*make bench"):
        Costs.read(path)
    with pytest.raises(ArgumentError, match="FileNotFoundError"):
        Costs.read(tmp_path / "absent.json")


def test_reference_costs_of_what_was_measured_only() -> None:
    assert Costs.reference("mini").feature_dims == 2304
    assert Costs.reference("resnet50").network_s > Costs.reference("mini").network_s
    with pytest.raises(ArgumentError, match=r"nothing is measured for the backbone 'vgg16'.*--measured"):
        Costs.reference("vgg16")


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1.07e12, "bytes", "1.07 TB"),
        (999, "bytes", "999 B"),
        (7200, "core-seconds", "2 core-h"),
        (90, "seconds", "1.5 min"),
        (0.5, "seconds", "0.5 s"),
        (5e7, "core-seconds", "13,889 core-h"),
        (0.968, "share", "96.8 %"),
    ],
)
def test_figures_are_written_for_people(value: float, unit: str, text: str) -> None:
    assert readable(Figure("", "", value, unit, "")) == text


def test_command(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text(json.dumps({"costs": asdict(replace(COSTS, backbone="mini"))}))
    words = ["plan", "--images", "1e8", "--machines", "20", "--cores", "16", "--measured", str(path)]
    shown = CliRunner().invoke(app, words)
    assert shown.exit_code == 0, shown.output
    assert "images x 100 ms (mini)" in shown.output
    assert "core-h" in shown.output
    assert "costs measured on: here" in shown.output
    document = json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)
    assert document["images"] == 100_000_000
    assert document["figures"][0] == {
        "group": "storage", "what": "the images themselves", "value": 1e13, "unit": "bytes",
        "formula": "images x 100,000 B a file",
    }  # fmt: skip
    unknown = CliRunner().invoke(app, ["plan", "--images", "10", "--backbone", "vgg16"])
    assert unknown.exit_code == 1
    assert "make bench" in unknown.output
