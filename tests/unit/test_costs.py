"""The plan of a collection: what it measures is what a run leaves on the disk, and its figures follow the formulas."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import imgsim
from imgsim import costs
from imgsim.cli import app
from imgsim.cli.plan import readable
from imgsim.costs import Figure, Measured, measure, plan
from imgsim.errors import ArgumentError, ArgumentTypeError
from tests.sample_images import ALL, copy_sample

MEASURED = Measured("photos", "resnet50", 64, 2048, 100_000, 9_000, 5_000, 90_000_000, 1e-4, 0.1, 2e-4, 0.5)


def values(figures: list[Figure]) -> dict[tuple[str, str], float]:
    found = {(figure.group, figure.what): figure.value for figure in figures}
    assert len(found) == len(figures)
    return found


def test_figures_are_what_the_formulas_say() -> None:
    n = 10_000_000
    found = values(plan(n, MEASURED, cores=16, dims=128, k=10))
    assert found["disk", "the images themselves"] == n * 100_000
    assert found["disk", "feature store"] == n * 14_000
    assert found["disk", "model"] == n * (512 + 10 * costs.EDGE_BYTES + costs.ROW_BYTES + 5000) + 90e6 + 4 * 128 * 2048
    assert found["CPU", "features"] == pytest.approx(n * 0.1)
    assert found["CPU", "embedding"] == pytest.approx(n * 2e-4 + 0.5)
    assert found["CPU", "neighbour graph"] == pytest.approx(n**1.5 * costs.GRAPH_S)
    work = sum(value for (group, what), value in found.items() if group == "CPU" and what != "in all")
    assert found["CPU", "in all"] == pytest.approx(work)
    assert found["time", "in all"] == pytest.approx(work / (16 * costs.BUSY))
    assert found["memory", "peak"] == costs.BASE_BYTES + n * costs.IMAGE_BYTES


@pytest.mark.slow
def test_storage_is_what_create_leaves_on_the_disk(tmp_path: Path, home: Path) -> None:
    photos = copy_sample(tmp_path / "photos", kinds=ALL)
    measured = measure(photos, imgsim.get_backbone("mini"))
    assert not (home / "store" / "features").exists(), "the measured features are not kept"
    model = imgsim.create(photos, backbone="mini", progress=False)
    model.save(tmp_path / "model")

    def bytes_below(*folders: Path) -> int:
        return sum(path.stat().st_size for folder in folders for path in folder.rglob("*") if path.is_file())

    found = values(plan(len(model), measured))
    kept = bytes_below(home / "store" / "features", home / "store" / "thumbnails")
    assert found["disk", "the images themselves"] == pytest.approx(bytes_below(photos), rel=0.25)
    assert found["disk", "feature store"] == pytest.approx(kept, rel=0.25)
    assert found["disk", "model"] == pytest.approx(bytes_below(tmp_path / "model"), rel=0.25)


@given(st.integers(1, 10**10), st.integers(1, 1000))
def test_more_cores_change_the_time_alone(n: int, cores: int) -> None:
    one, many = (values(plan(n, MEASURED, cores=count)) for count in (1, cores))
    assert min(many.values()) >= 0
    assert many["time", "in all"] == pytest.approx(one["time", "in all"] / cores)
    assert {key: value for key, value in one.items() if key[0] != "time"} == {
        key: value for key, value in many.items() if key[0] != "time"
    }


@pytest.mark.parametrize("images", [0, -1, float("nan"), float("inf")])
def test_impossible_numbers_are_refused(images: float) -> None:
    with pytest.raises(ArgumentError, match="images must be at least 1"):
        plan(images, MEASURED)
    with pytest.raises((ArgumentError, ArgumentTypeError)):
        plan(10, MEASURED, cores=0)


def test_too_few_pictures_are_refused(tmp_path: Path) -> None:
    photos = copy_sample(tmp_path / "photos", views=2)
    (tmp_path / "empty").mkdir()
    for folder, count in ((photos, 8), (tmp_path / "empty", 0)):
        with pytest.raises(ArgumentError, match=rf"too few usable pictures to measure \({count}\)"):
            measure(folder, imgsim.get_backbone("mini"))


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1.07e12, "bytes", "1.07 TB"),
        (999, "bytes", "999 B"),
        (7200, "core-seconds", "2 core-h"),
        (90, "seconds", "1.5 min"),
        (0.5, "seconds", "0.5 s"),
        (5e7, "core-seconds", "13,889 core-h"),
    ],
)
def test_figures_are_written_for_people(value: float, unit: str, text: str) -> None:
    assert readable(Figure("", "", value, unit, "")) == text


@pytest.mark.slow
def test_command(tiny_images: Path) -> None:
    words = ["plan", str(tiny_images), "--images", "1e8", "--cores", "16", "--backbone", "mini", "--pictures", "16"]
    shown = CliRunner().invoke(app, words)
    assert shown.exit_code == 0, shown.output
    assert "core-h" in shown.output
    assert "measured on 16 pictures of" in shown.output.replace("\n", " ")
    document = json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)
    assert document["images"] == 100_000_000
    assert document["measured"]["feature_dims"] == 2304
    assert {figure["group"] for figure in document["figures"]} == {"disk", "CPU", "memory", "time"}
