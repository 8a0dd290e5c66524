"""The guide "Add an insight", followed once: a module, a row, and everything else follows."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import imgsim
from imgsim.cli.insights import commands
from imgsim.insights.registry import INSIGHTS, highlights, load_insight, tiles
from imgsim.insights.report.report import render_report
from tests import twins

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(INSIGHTS, "twins", twins.ROW)


@pytest.fixture
def model(tiny_model, tmp_path):
    tiny_model.save(tmp_path / "m")
    return imgsim.load_model(tmp_path / "m")


def test_the_library_computes_saves_and_loads_it(model, tmp_path):
    found = model.insight("twins")
    nearest = model.graph.neighbors[:, 0]
    assert all(nearest[pair.twin] == pair.row for pair in found.tables["images"].itertuples())
    assert found.metrics["twins"] == len(found.tables["images"]) > 0
    assert model.insight("twins", most=0.0).metrics["twins"] < found.metrics["twins"]
    with pytest.raises(imgsim.ArgumentError, match=r"it has \['most'\]"):
        model.insight("twins", least=1)
    model.insight("twins", most=2.0)
    model.save(tmp_path / "again")
    assert imgsim.load_model(tmp_path / "again").insights["twins"].digest == found.digest
    found.save(tmp_path / "alone")
    assert load_insight(tmp_path / "alone").digest == found.digest


def test_a_library_that_does_not_know_it_passes_over_it(model, tmp_path, monkeypatch):
    model.insight("twins")
    model.save(tmp_path / "again")
    monkeypatch.delitem(INSIGHTS, "twins")
    assert "twins" not in imgsim.load_model(tmp_path / "again").insights


def test_highlights_and_tiles(model):
    found = model.insight("twins")
    assert highlights(found)["distance"].is_monotonic_increasing
    assert tiles(found, 3) == [(row.row, row.path) for row in highlights(found).head(3).itertuples()]


def test_it_is_a_command(model, tmp_path):
    model.save(tmp_path / "again")
    app = typer.Typer()
    app.command("other")(lambda: None)
    app.command("twins")(commands()["twins"])
    done = CliRunner().invoke(app, ["twins", str(tmp_path / "again"), "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["metrics"] == dict(model.insight("twins").metrics)
    shown = CliRunner().invoke(app, ["twins", "--help"])
    assert twins.ROW.description in shown.stdout


def test_the_report_has_a_section(model):
    model.insight("twins")
    page = render_report(model.references, "tiny").html
    assert '<section id="twins"><h2>Twins' in page
    assert twins.ROW.description.replace("'", "&#x27;") in page


def test_it_is_an_asset_whose_value_the_model_carries():
    code = (
        "from imgsim.insights.registry import INSIGHTS\nfrom tests import twins\nINSIGHTS['twins'] = twins.ROW\n"
        "from orchestration.definitions import defs\n"
        "graph = defs().resolve_asset_graph()\nnames = {key.to_user_string() for key in graph.get_all_asset_keys()}\n"
        "parents = graph.get(__import__('dagster').AssetKey('registered_model')).parent_keys\n"
        "assert 'twins' in names, names\nassert 'twins' in {key.to_user_string() for key in parents}, parents\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, cwd=ROOT)
